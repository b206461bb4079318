"""The pages of the main job as the people use them: so that a test reads as the story."""

import time
from datetime import datetime, timedelta
from pathlib import Path

from tests.browser.people import PASSWORD, Person, eventually

PATIENT = {"name": "郭秀英", "birth_date": "1958-04-12", "record_number": "N-20261122"}
QUESTION = {
    "question": "是否需要立即转诊？",
    "reason": "本院无心血管专科",
    "record_summary": "女，68岁，胸闷三天，加重两小时。",
    "tests": "心电图：V1-V4 ST段压低0.1mV。",
    "present_diagnosis": "不稳定型心绞痛？",
}
OPINION = {
    "findings": "胸部CT未见急性病变；心电图V1-V4 ST段压低。",
    "diagnosis": "急性冠脉综合征",
    "recommendation": "阿司匹林300mg嚼服，24小时内转诊行冠脉造影。",
}


class Asking:
    """The township doctor's request, step by step."""

    def __init__(self, person: Person) -> None:
        self.person, self.page = person, person.page

    def start(self) -> int:
        """A new draft; its number in the addresses."""
        self.person.go("/requests/new/")
        self.page.locator("main form[method=post]").first.get_by_role("button").click()
        self.page.wait_for_url("**/edit/patient/")
        return int(self.page.url.split("/consultations/")[1].split("/")[0])

    def enter_patient(self) -> None:
        form = self.page.locator("#patient-form")
        if not form.is_visible():
            self.page.locator("details:has(#patient-form) > summary").click()
        for name, value in PATIENT.items():
            form.locator(f"[name={name}]").fill(value)
        form.locator("label:has([name=sex][value=female])").click()
        form.locator(".button-primary").click()
        self.page.wait_for_url("**/edit/question/")

    def enter_question(self) -> None:
        form = self.page.locator("#question-form")
        form.locator("label:has([name=urgency][value=urgent])").click()
        form.locator("label:has([name=purpose][value=diagnosis])").click()
        for name, value in QUESTION.items():
            form.locator(f"[name={name}]").fill(value)
        form.locator("[name=specialty]").select_option("cardiology")
        form.locator("[name=title_wanted]").select_option("chief")
        form.locator("[name=wanted_at]").fill((datetime.now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M"))
        form.locator(".button-primary").click()
        self.page.wait_for_url("**/edit/images/")

    def send_images(self, *paths: Path) -> None:
        self.page.locator("[data-upload-input]").set_input_files(list(paths))
        arrived = self.page.locator("[data-image-state=ready], [data-image-state=held]")
        eventually(lambda: arrived.count() == len(paths), f"{len(paths)} images arrived", 60)
        self.person.shot("request-images")

    def confirm_our_patient(self) -> None:
        """The DICOM file names somebody else: the doctor looks and confirms."""
        self.page.locator("[data-image-state=held] form[action*=confirm] button").click()
        self.page.locator("dialog[open] button[value=yes]").click()
        self.page.locator("[data-image-state=held]").wait_for(state="detached")

    def images_done(self) -> None:
        self.page.locator(".action-bar .button-primary").click()
        self.page.wait_for_url("**/edit/consent/")

    def take_consent(self) -> None:
        self.page.locator("label:has([name=relation][value=self])").click()
        self.page.locator("[name=signer_name]").fill(PATIENT["name"])
        self.page.wait_for_load_state()
        pad = self.page.locator("[data-pad]")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box
        mouse = self.page.mouse
        mouse.move(box["x"] + 30, box["y"] + 80)
        mouse.down()
        for step in range(1, 12):
            mouse.move(box["x"] + 30 + step * 18, box["y"] + 60 + (step % 3) * 20)
        mouse.up()
        self.page.locator("[data-signature-form] button.button-primary").click()
        self.page.wait_for_url("**/edit/check/")

    def send(self) -> None:
        self.person.shot("request-check")
        self.page.locator("form[action$='/submit/'] button").click()
        self.page.wait_for_url(lambda url: "/edit/" not in url)


class Case:
    """One consultation's page."""

    def __init__(self, person: Person, number: int) -> None:
        self.person, self.page, self.number = person, person.page, number

    def open(self) -> None:
        self.person.go(f"/consultations/{self.number}/")

    def state(self) -> str:
        return self.page.locator("[data-head]").get_attribute("data-state") or ""

    def becomes(self, state: str) -> None:
        eventually(lambda: self.state() == state, f"{self.person.username} sees {state}")

    def act(self, move: str) -> None:
        """Press the button of one act."""
        self.page.locator(f"[data-head] [data-act={move}]").first.click()

    def assign(self, name: str) -> None:
        """Choose that specialist."""
        self.act("assign")
        dialog = self.page.locator("dialog[open]")
        dialog.locator("label", has_text=name).first.click()
        self.person.shot("triage-assign")
        dialog.locator("button[type=submit]").click()
        self.becomes("OFFERED")

    def decide(self, final_diagnosis: str) -> None:
        section = self.page.locator("#decision")
        section.locator("label:has([name=verdict][value=adopted])").click()
        section.locator("[name=final_diagnosis]").fill(final_diagnosis)
        section.locator("button.button-primary").click()
        self.becomes("ACKNOWLEDGED")


class Call:
    """The room."""

    def __init__(self, person: Person, number: int) -> None:
        self.person, self.page, self.number = person, person.page, number

    def check_devices(self) -> None:
        self.person.go(f"/consultations/{self.number}/room/")
        self.page.locator(".check-ready-yes").wait_for()
        eventually(
            lambda: self.page.locator("[data-row=mic] meter").evaluate("node => node.value > 0.1"),
            "the level meter moves",
        )

    def join(self) -> None:
        self.page.locator("[data-join]").click()
        self.page.locator("[data-call]").wait_for()

    def leave(self) -> None:
        self.page.locator(".control-leave").click()
        self.page.wait_for_url(f"**/consultations/{self.number}/")

    def banner(self) -> str:
        return self.page.locator("[data-banners]").inner_text()

    def sees_and_hears(self, username: str, seconds: float = 20) -> None:
        """The other's picture moves and their voice has energy: both still rise."""
        video = self.page.locator(f"video[data-participant='{username}']").first
        eventually(lambda: video.count() and video.evaluate("node => node.videoWidth > 0"), "a picture", seconds)
        before = self.person.received()

        def rises() -> bool:
            now = self.person.received()
            return now["frames"] > before["frames"] + 5 and now["energy"] > before["energy"]

        eventually(rises, f"{self.person.username} sees and hears {username}", seconds)

    def comes_as_large_as_shown(self, username: str) -> None:
        """In a small window the other's picture comes small, hidden not at all, in a large one whole again."""
        video = self.page.locator(f"video[data-participant='{username}']").first
        before, stage = self.page.viewport_size, self.page.locator("[data-stage]")

        def height() -> int:
            return int(video.evaluate("node => node.videoHeight"))

        eventually(lambda: height() > 360, "the whole picture comes")
        self.page.set_viewport_size({"width": 360, "height": 640})
        eventually(lambda: 0 < height() <= 360, "a small picture comes")
        stage.evaluate("node => { node.hidden = true; node.style.display = 'none'; }")

        def is_still() -> bool:
            frames = self.person.received()["frames"]
            time.sleep(0.5)
            return bool(self.person.received()["frames"] == frames)

        eventually(is_still, "what nobody sees is not sent")
        stage.evaluate("node => { node.hidden = false; node.style.display = ''; }")
        self.page.set_viewport_size(before or {"width": 1280, "height": 800})
        eventually(lambda: height() > 360, "the whole picture is back")

    def tab(self, name: str) -> None:
        self.page.locator(f"#tab-{name}").click()

    def write(self, text: str) -> None:
        self.tab("chat")
        self.page.locator("[data-chat] textarea").fill(text)
        self.page.locator("[data-chat] textarea").press("Enter")

    def messages(self) -> list[str]:
        return self.page.locator("[data-messages] .message-body").all_text_contents()

    def open_image(self, title: str) -> None:
        self.tab("images")
        self.page.locator("a[data-image]", has_text=title).first.click()

    def shown_image(self) -> bool:
        return self.page.locator("[data-stage-viewer] .viewport").is_visible()

    def layout(self, key: str = "") -> str:
        """How many images are on show beside each other, after a key of the viewer."""
        viewport = self.page.locator("[data-stage-viewer] .viewport")
        if key:
            viewport.press(key)
        return viewport.get_attribute("data-layout") or ""

    def close_image(self) -> None:
        self.page.get_by_role("button", name="Close image").click()
        eventually(lambda: not self.shown_image(), "the image is closed")

    def point_at(self, x: float, y: float) -> None:
        """Move the pointer to a part of the viewport (0 to 1)."""
        box = self.page.locator("[data-stage-viewer] .viewport").bounding_box()
        assert box
        self.page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=4)

    def measure(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw a length between two places of the viewport (0 to 1)."""
        self.page.locator("[data-stage-viewer] .viewport").press("d")
        self.point_at(*start)
        self.page.mouse.down()
        self.point_at(*end)
        self.page.mouse.up()
        self.page.keyboard.press("Escape")  # lets the mark go
        self.page.keyboard.press("Escape")  # and the tool

    def measured(self) -> list[str]:
        """What stands beside the marks on the image, kept by the site."""
        return self.page.locator("[data-mark]:not(.mark-waits) text").all_text_contents()

    def pointer_of(self, username: str) -> tuple[float, float] | None:
        """Where that person's pointer is drawn, as a part of the viewport."""
        mark = self.page.locator(f"[data-pointer='{username}']")
        if not mark.count() or not mark.is_visible():
            return None
        x, y = mark.evaluate("node => node.style.translate.split(' ').map(parseFloat)")
        box = self.page.locator("[data-stage-viewer] .viewport").bounding_box()
        assert box
        return x / box["width"], y / box["height"]

    def end_session(self) -> None:
        self.page.locator("[data-control=end]").click()
        self.page.locator("dialog[open] button[type=submit]").click()
        self.page.locator("dialog[open]").wait_for(state="detached")

    def knows_the_end(self) -> None:
        """The head says where the consultation stands, and there is nothing more to end."""
        self.page.locator("#room-state [data-state=opinion_due]").wait_for()
        self.page.locator("[data-control=end]").wait_for(state="detached")

    def sign_opinion(self) -> None:
        self.tab("opinion")
        form = self.page.locator("form[data-opinion]")
        for name, value in OPINION.items():
            form.locator(f"[name={name}]").fill(value)
        form.locator("[data-saved=saved]").wait_for()
        self.person.shot("room-opinion")
        form.locator("[data-sign]").click()
        dialog = self.page.locator("dialog[open]")
        dialog.locator("[name=password]").fill(PASSWORD)
        dialog.locator("button[type=submit]").click()
        self.page.locator("#panel-opinion .opinion-version").wait_for()

    def opinion_pdf(self) -> bytes:
        """The signed opinion, opened from beside the call."""
        self.tab("opinion")
        link = self.page.locator("#panel-opinion a[href$='.pdf']").first
        link.wait_for()
        answer = self.person.context.request.get(self.person.url + (link.get_attribute("href") or ""))
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/pdf"
        return answer.body()


def talking(asking: Person, answering: Person, number: int) -> tuple[Call, Call]:
    """Both in the call of that consultation, seeing and hearing each other."""
    here, there = Call(asking, number), Call(answering, number)
    for call in (here, there):
        call.person.go(f"/consultations/{number}/room/")
        call.join()
    here.sees_and_hears(answering.username)
    there.sees_and_hears(asking.username)
    return here, there
