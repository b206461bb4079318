"""How I am reached: the ways, quiet hours, browsers, and a test of each."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consult.errors import Refusal
from consult.forms.reach import ReachForm
from consult.models import Delivery
from consult.notify import webpush
from consult.policies import alert as policies
from consult.services import reach as reaches
from consult.views.reading import browser_of

WORKER = Path(settings.BASE_DIR) / "static" / "js" / "push" / "worker.js"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest) -> HttpResponse:
    reach = policies.reach_of(request.user)
    names = ("sound", "push", "email", "sms", "quiet_from", "quiet_until")
    known: dict[str, Any] = {name: getattr(reach, name) for name in names}
    known |= {"phone": getattr(request.user, "phone", ""), "address": getattr(request.user, "email", "")}
    form = ReachForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            reaches.choose(by=request.user, **form.cleaned_data)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            form.add_error(refusal.field, str(refusal.message))
        else:
            messages.success(request, _("Kept."))
            return redirect("reach")
    key = webpush.text(webpush.point(webpush.key_of(settings.VAPID_SECRET).public_key()))
    context = {
        "form": form,
        "browsers": policies.own_subscriptions(request.user),
        "key": key,
        "set_up": {channel: policies.is_set_up(channel) for channel in Delivery.Channel.values},
    }
    return render(request, "reach/page.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def test(request: HttpRequest) -> HttpResponse:
    channel = request.POST.get("channel", "")
    if channel not in Delivery.Channel.values:
        raise Http404
    arrived, words = reaches.test(by=request.user, channel=channel)
    (messages.success if arrived else messages.error)(request, words)
    return redirect("reach")


@require_POST
@login_required
def allow(request: HttpRequest) -> HttpResponse:
    """From the page's script: what the browser's push service gave it."""
    sent = {name: request.POST.get(name, "") for name in ("endpoint", "point", "auth")}
    row = reaches.allow_browser(by=request.user, name=browser_of(request), **sent)
    return JsonResponse({"id": row.pk})


@require_POST
@login_required
def sign_off(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(policies.own_subscriptions(request.user), pk=pk)
    reaches.sign_off_browser(subscription=row, by=request.user)
    messages.success(request, _("This browser is woken no more."))
    return redirect("reach")


@require_safe
def worker(request: HttpRequest) -> FileResponse:
    """The service worker: it must come from the root to be allowed to open any page of the site."""
    answer = FileResponse(WORKER.open("rb"), content_type="text/javascript")
    answer["Cache-Control"] = "no-cache"
    return answer
