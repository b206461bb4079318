"""Images in the words and numbers that fragment and viewer show. Asks nothing of the database."""

import contextlib
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from consult.models import Consultation, Patient, User
from imaging.models import Image, Still
from imaging.services import rendering

S = Image.State


def preset_label(key: str, image: Image) -> str:
    """The words of a window preset."""
    labels = {
        "soft": _("Soft tissue"),
        "lung": _("Lung"),
        "bone": _("Bone"),
        "brain": _("Brain"),
        "mediastinum": _("Mediastinum"),
        "auto": _("Automatic"),
    }
    if key in labels:
        return labels[key]
    number = int(key.removeprefix("file"))
    own = str(image.facts["windows"][number - 1]["name"])
    return own or _("From the file %(number)s") % {"number": number}


def title(image: Image) -> str:
    """What a thumbnail is called."""
    if image.kind == Image.Kind.DICOM:
        return " ".join(dict.fromkeys(part for part in (image.modality, image.description) if part)) or image.name
    still = still_of(image)
    if still:
        at = timezone.localtime(still.at).strftime("%H:%M:%S")
        return f"{still.get_source_display()} {at}"
    return image.name


def still_of(image: Image) -> Still | None:
    """The question this image answers, when it is a still of the call."""
    return next(iter(image.stills.all()), None)


def still_words(image: Image) -> str:
    """Who asked, who took it and when; empty for other images."""
    still = still_of(image)
    if still is None:
        return ""
    return _("Still of the call: asked for by %(asker)s, taken at the camera of %(owner)s, %(at)s") % {
        "asker": still.asked_by.display_name,
        "owner": image.uploaded_by.display_name,
        "at": timezone.localtime(still.at).strftime("%Y-%m-%d %H:%M:%S"),
    }


def groups(images: list[Image]) -> list[dict[str, Any]]:
    """What can be looked at, one entry a series or photo: title, the image to open, how many images and frames."""
    found: dict[str, dict[str, Any]] = {}
    coarse = coarser(images)
    for image in images:
        if image.state != S.READY or image.pk in coarse:
            continue
        entry = found.setdefault(series_key(image), {"title": title(image), "images": [], "frames": 0})
        entry["images"].append(image)
        entry["frames"] += image.frames
    for entry in found.values():
        entry["first"] = entry["images"][0]
        entry["still"] = still_words(entry["images"][0])
        entry["cover"] = entry["images"][len(entry["images"]) // 2]
    return list(found.values())


def coarser(images: list[Image]) -> set[int]:
    """Levels of a DICOM slide of which a sharper one is here: every level is a file of its own, one is shown."""
    sharpest: dict[tuple[int, str], Image] = {}
    levels = [image for image in images if image.has_tiles and image.series_uid and image.state == S.READY]
    for image in levels:
        known = sharpest.setdefault((image.consultation_id, image.series_uid), image)
        if image.width > known.width:
            sharpest[image.consultation_id, image.series_uid] = image
    return {image.pk for image in levels} - {image.pk for image in sharpest.values()}


def priors(images: list[Image], hidden: dict[int, list[User]]) -> list[dict[str, Any]]:
    """For the viewer: consultations with something to compare with, their series by day, the newest first."""
    found: dict[int, dict[str, Any]] = {}
    coarse = coarser(images)
    for image in images:
        if image.pk in coarse:
            continue
        about = found.setdefault(
            image.consultation_id,
            {
                "consultation": image.consultation_id,
                "number": image.consultation.number or "",
                "hiddenFrom": sorted(person.display_name for person in hidden[image.consultation_id]),
                "series": {},
            },
        )
        series = about["series"].setdefault(
            series_key(image),
            {
                "key": series_key(image),
                "title": title(image),
                "modality": image.modality,
                "day": day(image),
                "count": 0,
                "images": [],
            },
        )
        series["count"] += image.frames
        series["images"].append(image.pk)
    for about in found.values():
        about["series"] = sorted(about["series"].values(), key=lambda each: each["day"], reverse=True)
    return list(found.values())


def series_key(image: Image) -> str:
    """The series it is scrolled with; a photo is one of its own."""
    return image.series_uid if image.kind == Image.Kind.DICOM and image.series_uid else f"image-{image.pk}"


def day(image: Image) -> str:
    """When it was taken as the file says, else when it was sent: YYYY-MM-DD."""
    said = image.facts.get("taken_on", "")
    if len(said) == 8 and said.isdigit():
        return f"{said[:4]}-{said[4:6]}-{said[6:]}"
    return timezone.localdate(image.at).isoformat()


def refused_groups(images: list[Image]) -> list[dict[str, Any]]:
    """Refused files, one entry a reason: the first of them, its words, all their names."""
    found: dict[str, dict[str, Any]] = {}
    for image in images:
        if image.state == S.REFUSED:
            entry = found.setdefault(image.reason, {"first": image, "names": []})
            entry["names"].append(image.name)
    return list(found.values())


def archives(images: list[Image]) -> list[dict[str, Any]]:
    """Zips that are being opened, and what came of those that were: files, skipped ones, what a disc's index misses."""
    return [
        {
            "image": image,
            "is_busy": image.is_busy,
            "done": image.facts.get("done", 0),
            "files": image.facts.get("files", 0),
            "skipped": image.facts.get("skipped", 0),
            "directory": image.facts.get("directory"),
        }
        for image in images
        if image.kind == Image.Kind.ARCHIVE and (image.is_busy or image.state == S.UNPACKED)
    ]


def held_groups(images: list[Image]) -> list[dict[str, Any]]:
    """Held files, one entry for each patient that files name: they are confirmed together."""
    found: dict[tuple, dict[str, Any]] = {}
    for image in images:
        if image.state == S.HELD:
            key = (image.patient_name, image.patient_id, image.patient_sex, image.patient_birth)
            entry = found.setdefault(key, {"first": image, "images": []})
            entry["images"].append(image)
    for entry in found.values():
        entry["rows"] = _beside(entry["first"])
    return list(found.values())


def _beside(image: Image) -> list[dict[str, Any]]:
    """The patient of the consultation and of the file, line by line."""
    ours = image.consultation.patient
    lines = (
        ("name", _("Name"), ours.name if ours else "", image.patient_name),
        ("number", _("Number"), ours.record_number if ours else "", image.patient_id),
        ("sex", _("Sex"), ours.get_sex_display() if ours else "", sex_words(image.patient_sex)),
        ("birth", _("Born"), ours.birth_date if ours else "", image.patient_birth or ""),
    )
    return [
        {"label": label, "ours": str(mine or "–"), "theirs": str(other or "–"), "differs": key in image.differs}
        for key, label, mine, other in lines
    ]


def sex_words(code: str) -> str:
    return str(dict(Patient.Sex.choices).get(code, ""))


def age(born: date, on: date | None = None) -> int:
    day = on or timezone.localdate()
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def patient_json(consultation: Consultation) -> dict[str, Any]:
    patient = consultation.patient
    if patient is None:
        return {"name": "", "sex": "", "age": None, "number": ""}
    return {
        "name": patient.name,
        "sex": str(patient.get_sex_display()),
        "age": age(patient.birth_date),
        "number": patient.record_number,
    }


def printed(image: Image) -> dict[str, Any]:
    """What stands under an image on paper; the age is that of the day it was taken, where that is known."""
    said = str(image.facts.get("taken_on", ""))
    day = None
    if len(said) == 8 and said.isdigit():
        with contextlib.suppress(ValueError):  # a day that no calendar has
            day = date(int(said[:4]), int(said[4:6]), int(said[6:]))
    patient = image.consultation.patient
    return {
        "title": title(image),
        "day": day,
        "age": age(patient.birth_date, day) if patient else None,
        "otherPatient": _other_patient(image),
    }


def cutting(image: Image) -> int:
    """How much of a slide is cut to tiles, in per cent; 0 where nothing is known yet."""
    said = image.facts.get("cut") or {}
    return int(said["done"] * 100 // said["of"]) if said else 0


def image_json(image: Image, *, shown: bool) -> dict[str, Any]:
    """All the viewer needs of one image; `shown` says whether this person may see its pixels."""
    facts = image.facts
    return {
        "pk": image.pk,
        "kind": image.kind,
        "state": image.state,
        "reason": image.reason_words,
        "shown": shown,
        "consultation": image.consultation_id,
        "series": series_key(image),
        "title": title(image),
        "name": image.name,
        "still": still_words(image),
        "frames": image.frames,
        "pages": image.has_pages,
        "width": image.width,
        "height": image.height,
        "number": image.instance_number,
        "modality": image.modality,
        "laterality": image.laterality,
        "view": facts.get("view", ""),
        "takenOn": facts.get("taken_on", ""),
        "day": day(image),
        "spacing": facts.get("spacing"),
        "regions": facts.get("regions", []),
        "plane": facts.get("plane"),
        "sides": facts.get("sides", []),
        "ecg": _paper(image),
        "slide": _slide(image, shown),
        "frameMs": facts.get("frame_ms"),
        "values": _values(image),
        "presets": _presets(image) if shown else [],
        "otherPatient": _other_patient(image),
        "frameUrl": reverse("image-frame", args=[image.pk, 0]).removesuffix("0/") if shown else "",
        "reportUrl": reverse("image-report", args=[image.pk]) if shown and image.has_report else "",
        "thumbnailUrl": reverse("image-thumbnail", args=[image.pk]) if shown and not image.has_report else "",
        "originalUrl": reverse("image-original", args=[image.pk]) if shown else "",
    }


def _slide(image: Image, shown: bool) -> dict[str, Any] | None:
    """Of a whole slide: where its tiles are, how large, and the power of the objective where the file says it."""
    if not image.has_tiles:
        return None
    url = reverse("image-tile", args=[image.pk, 0, 0, 0]).removesuffix("0/0/0/") if shown else ""
    return {"tilesUrl": url, "tile": image.facts["tiles"]["size"], "objective": image.facts.get("objective")}


def _paper(image: Image) -> dict[str, float] | None:
    """How fast and how high an electrocardiogram is drawn."""
    said = image.facts.get("ecg")
    return {"mmPerS": said["mm_per_s"], "mmPerMv": said["mm_per_mv"]} if said else None


def _values(image: Image) -> dict[str, Any] | None:
    """Of a grey DICOM image: how a value is kept, and whether large ones are dark (MONOCHROME1)."""
    facts = image.facts
    if not image.has_pixels or facts["samples"] != 1:
        return None
    return {"dtype": facts["dtype"], "inverted": bool(facts.get("invert"))}


def _presets(image: Image) -> list[dict[str, Any]]:
    if image.kind != Image.Kind.DICOM:
        return []
    return [
        {"key": key, "label": preset_label(key, image), "center": window.center, "width": window.width}
        for key, window in rendering.presets(image).items()
    ]


def _other_patient(image: Image) -> str:
    """The patient named in the file, when it is not ours: stays on screen after confirmation."""
    if not image.differs:
        return ""
    parts = (image.patient_name, image.patient_id, sex_words(image.patient_sex))
    return " · ".join(part for part in parts if part)
