"""STOW-RS, the store transaction (PS3.18 section 10.5)."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from consult.models import Consultation
from imaging.services import storing
from imaging.web.door import dicom_json
from imaging.web.multipart import Malformed, Parts, malformed, parameters

DICOM = "application/dicom"


class OtherType(Malformed):
    """Not multipart/related of application/dicom."""

    status = 415


def store(request: HttpRequest, consultation: Consultation, study: str = "") -> HttpResponse:
    """Keep every part of the body; 200 when all are kept, 202 when some, 409 when none."""
    kind, said = parameters(request.headers.get("Content-Type", ""))
    if kind != "multipart/related" or said.get("type", DICOM).lower() != DICOM:
        raise OtherType("media_type", 'multipart/related; type="application/dicom"')
    parts = Parts(request.read, said.get("boundary", ""))
    try:
        found = storing.store(consultation=consultation, by=request.user, files=_files(parts), study=study)
    except ConnectionError:
        raise malformed("cut short") from None
    if not found:
        raise malformed("no parts")
    failed = [each for each in found if each.failure]
    status = 409 if len(failed) == len(found) else 202 if failed else 200
    return dicom_json(_outcome(request, consultation, found), status)


def _files(parts: Parts) -> Iterator[Iterator[bytes]]:
    for content_type, pieces in parts:
        if parameters(content_type)[0] not in (DICOM, ""):
            raise OtherType("media_type", content_type[:100])
        yield pieces


def _outcome(request: HttpRequest, consultation: Consultation, found: list[storing.Instance]) -> dict[str, Any]:
    """The Store Instances Response Module (PS3.18 annex I.2)."""
    base = request.build_absolute_uri(reverse("dicomweb-studies", args=[consultation.pk]))
    answer: dict[str, Any] = {"00081190": {"vr": "UR", "Value": [base]}}
    kept = [_reference(each) for each in found if not each.failure]
    failed = [{**_reference(each), "00081197": {"vr": "US", "Value": [each.failure]}} for each in found if each.failure]
    if failed:
        answer["00081198"] = {"vr": "SQ", "Value": failed}
    if kept:
        answer["00081199"] = {"vr": "SQ", "Value": kept}
    return answer


def _reference(instance: storing.Instance) -> dict[str, Any]:
    """SOP class and instance, empty where the file does not say them."""
    said = {"00081150": instance.sop_class, "00081155": instance.sop_uid}
    return {tag: {"vr": "UI", "Value": [uid]} if uid else {"vr": "UI"} for tag, uid in said.items()}
