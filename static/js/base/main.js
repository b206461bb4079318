// @ts-check
/** Starts what every page has. Knows no page. */
import "@/base/i18n.js";
import { startTheme } from "@/base/theme.js";
import { startTimes } from "@/base/times.js";
import { startConfirm } from "@/base/confirm.js";
import { startMenus } from "@/base/menus.js";
import { startTabs } from "@/base/tabs.js";
import { startShortcuts } from "@/base/shortcuts.js";
import { startErrors } from "@/base/errors.js";
import { startAutosave } from "@/base/autosave.js";
import { startInbox } from "@/base/inbox.js";
import { startAlerts } from "@/base/alerts.js";

startTheme();
startTimes();
startConfirm();
startMenus();
startTabs();
startShortcuts();
startErrors();
startAutosave();
startInbox();
startAlerts();
