"""How soon people see: a CT of 300 slices over a line of 20 Mbit/s, and what one shows another in a call.

`make bench` runs it after `tests/imaging/beside.py` and adds `viewing` to docs/imaging.json. Times are those of the
browsers themselves (one clock for both), from the key or click to the picture or mark that is on screen.
"""

import io
import json
import os
import statistics
import time
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests.browser.pages import Call, Case
from tests.browser.people import eventually, profiles
from tests.imaging import peer
from tests.imaging.beside import OUT, encoded
from tests.imaging.doors import real
from tests.imaging.slowline import slow_line
from tests.platform.site import Site, wait_until

SLICES, SIDE, LINE_MBIT_S = 300, 512, 20.0
STEPS, PAUSE = 60, 0.2
CHANGES, MARKS = 40, 12
LAST = """() => {
  const asked = window.pressed.findLast(([, key]) => key === "End");
  const port = document.querySelector(".viewport").dataset.shown;
  const came = window.shown.find(([at]) => at >= asked[0]);
  return came && port ? came[0] - asked[0] : 0;
}"""
IN_CALL = """
from consult.models import Consultation, User
from consult.services import answer
row = Consultation.objects.filter(hospital__code="nitun", state__in=["OFFERED", "TRIAGE"]).exclude(expert=None).first()
row = row or Consultation.objects.filter(hospital__code="nitun", state__in=["ACCEPTED", "SCHEDULED"]).latest("pk")
if row.state == "OFFERED":
    answer.accept(consultation=row, by=row.expert)
print(row.pk, row.number, row.asker.username, row.expert.username)
"""
# When the viewport showed what, and when marks appeared: [milliseconds since 1970, what].
WATCH = """() => {
  const now = () => performance.timeOrigin + performance.now();
  const port = document.querySelector(".viewport");
  window.shown = []; window.marked = [];
  new MutationObserver(() => {
    if (port.dataset.shown) requestAnimationFrame(() => window.shown.push([now(), port.dataset.shown]));
  }).observe(port, { attributes: true, attributeFilter: ["data-shown"] });
  const seen = new Set();
  new MutationObserver(() => {
    for (const mark of port.querySelectorAll("[data-mark]")) {
      if (seen.has(mark.dataset.mark)) continue;
      seen.add(mark.dataset.mark);
      window.marked.push([now(), mark.dataset.mark]);
    }
  }).observe(port, { childList: true, subtree: true });
  window.pressed = []; window.lifted = [];
  addEventListener("keydown", (event) => window.pressed.push([now(), event.key]), true);
  addEventListener("pointerup", () => window.lifted.push(now()), true);
}"""


def ct(count: int, number: str) -> list[bytes]:
    """`count` slices of one series that compress as a real CT does: soft shapes, and noise of 12 HU."""
    dataset = dcmread(io.BytesIO(real("CT_small.dcm")))
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.AccessionNumber, dataset.PatientName, dataset.PatientID = number, "", ""
    dataset.PatientSex = dataset.PatientBirthDate = ""
    dataset.Rows = dataset.Columns = SIDE
    noise, (y, x) = np.random.default_rng(1), np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    made = []
    for at in range(count):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.InstanceNumber = at + 1
        dataset.ImagePositionPatient = [-150, -150, float(at)]
        body = np.where(x**2 / 0.7 + y**2 / 0.5 < 1, 1060, 30) + 90 * np.sin(7 * x + at / 20) * np.cos(5 * y)
        dataset.PixelData = np.clip(body + noise.normal(0, 12, body.shape), 0, 4095).astype(np.int16).tobytes()
        made.append(encoded(dataset))
    return made


def summed(times: list[float]) -> dict[str, float]:
    """Median and 95th percentile in milliseconds."""
    ordered = sorted(times)
    at = min(len(ordered) - 1, int(len(ordered) * 0.95))
    return {"p50_ms": round(statistics.median(ordered)), "p95_ms": round(ordered[at])}


def over_a_slow_line(meet: Any, site: Site, doctor: str, first: int) -> dict[str, Any]:
    """The first image after the click; slices at five a second while the rest comes; a jump into the middle."""
    with slow_line(site.port, LINE_MBIT_S * 1e6) as port:
        person = meet(doctor, f"http://127.0.0.1:{port}", devices=False)
        page: Page = person.page
        began = time.time() * 1000
        page.goto(f"{person.url}/images/{first}/", wait_until="commit")
        view = page.locator(".viewport")
        eventually(lambda: view.count() and view.get_attribute("data-shown") == f"{first}:0", "the first image")
        opened = time.time() * 1000 - began
        page.evaluate(WATCH)
        view.focus()
        for _ in range(STEPS):
            page.keyboard.press("ArrowDown")
            time.sleep(PAUSE)
        time.sleep(2)
        waits = _waits(page)
        page.keyboard.press("End")
        last = eventually(lambda: page.evaluate(LAST), "the last image")
        return {
            "line_mbit_s": LINE_MBIT_S,
            "slices": SLICES,
            "first_image_ms": round(opened),
            "steps_a_second": round(1 / PAUSE, 1),
            "steps_seen": [len(waits), STEPS],
            "step": summed(waits),
            "jump_to_the_end_ms": round(last),
        }


def _waits(page: Page) -> list[float]:
    """From each arrow to the picture it asked for; what was passed before it came is left out."""
    pressed = [at for at, key in page.evaluate("window.pressed") if key == "ArrowDown"]
    shown = page.evaluate("window.shown")
    found = []
    for at, until in zip(pressed, [*pressed[1:], float("inf")], strict=True):
        inside = [each for each, _what in shown if at <= each < until]
        found += [inside[0] - at] if inside else []
    return found


def in_a_call(meet: Any, site: Site, case: Case, names: tuple[str, str]) -> dict[str, Any]:
    """From one's key, or the lifted pointer, to what the other sees."""
    here, there = (Call(meet(name, site.url), case.number) for name in names)
    for call in (here, there):
        call.check_devices()
        call.join()
    here.sees_and_hears(names[1])
    there.open_image("CT")
    for call in (here, there):
        eventually(call.shown_image, "the CT is open")
        eventually(lambda call=call: call.page.locator(".viewport").get_attribute("data-shown"), "the CT is shown")
        call.page.evaluate(WATCH)
    view = there.page.locator(".viewport")
    view.focus()
    for _ in range(CHANGES):
        there.page.keyboard.press("ArrowDown")
        time.sleep(0.4)
    time.sleep(1)
    pressed = [at for at, key in there.page.evaluate("window.pressed") if key == "ArrowDown"]
    seen = here.page.evaluate("window.shown")
    views = [next(at for at, _what in seen if at >= start) - start for start in pressed]
    for at in range(MARKS):  # far enough from each other: a mark that is touched is taken in hand
        there.measure((0.4, 0.2 + at / 24), (0.6, 0.2 + at / 24))
        time.sleep(0.4)
    time.sleep(1)
    marked = [at for at, _which in here.page.evaluate("window.marked")]
    lifted = there.page.evaluate("window.lifted")
    marks = [next(at for at in marked if at >= start) - start for start in lifted]
    return {"view": summed(views), "mark": summed(marks)}


def main() -> None:
    with Site() as site, sync_playwright() as engine, profiles(engine) as meet:
        pk, number, doctor, expert = site.python(IN_CALL).split()
        session = peer.session(peer.seeded(site)["doctor"])
        files = ct(SLICES, number)
        for at in range(0, SLICES, 50):
            answer = session.post(
                f"{site.url}/dicomweb/{pk}/studies", data=peer.body(files[at : at + 50]), headers=peer.KIND, timeout=300
            )
            answer.raise_for_status()
        listing = f"{site.url}/consultations/{pk}/images/list/"

        def prepared() -> list[int]:
            rows = [each for each in session.get(listing, timeout=60).json()["images"] if each["modality"] == "CT"]
            done = sorted((each["number"], each["pk"]) for each in rows if each["frames"] and each["width"] == SIDE)
            return [key for _number, key in done] if len(done) == SLICES else []

        first = wait_until(prepared, "prepared", 600)[0]
        slow = over_a_slow_line(meet, site, doctor, first)
        print(json.dumps(slow))
        found = {
            "slow_line": slow,
            "call": in_a_call(meet, site, Case(meet(doctor, site.url), int(pk)), (doctor, expert)),
            "load_average": round(os.getloadavg()[0], 1),
        }
    report = json.loads(OUT.read_text())
    report["viewing"] = found
    OUT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(found, indent=2))
