"""QIDO-RS, the search transaction (PS3.18 section 10.6)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from consult.models import Consultation
from imaging.dicom.names import TAGS
from imaging.models import Image
from imaging.policies import image as policies
from imaging.services import attributes, derived
from imaging.services.derived import Made
from imaging.services.searching import Described, is_match
from imaging.web.door import JSON, dicom_json
from imaging.web.multipart import malformed
from imaging.web.negotiation import chosen

TAG = re.compile(r"[0-9A-Fa-f]{8}")
# What every answer names (PS3.18 tables 10.6.3-3, -4 and -5), and what `includefield=all` adds.
STUDY = "00080005 00080020 00080030 00080050 00080090 00080201 00100010 00100020 00100030 00100040 0020000D 00200010"
SERIES = "00080005 00080060 00080201 0008103E 0020000E 00200011 00400244 00400245 00400275"
INSTANCE = "00080005 00080016 00080018 00080201 00083002 00200013 00280010 00280011 00280100 00280008"
MORE = {
    "study": "00081030 00080080 00101010 00101020 00101030 001021B0 00104000",
    "series": "00080021 00080031 00180015 00181030 00185100 00200060 00080070 00081090 00081010",
}
STUDY_UID, SERIES_UID, SOP_UID, MODALITY = "0020000D", "0020000E", "00080018", "00080060"
MODALITIES, AVAILABILITY, RETRIEVE = "00080061", "00080056", "00081190"
SERIES_OF_STUDY, INSTANCES_OF_STUDY, INSTANCES_OF_SERIES = "00201206", "00201208", "00201209"
COUNTED = {MODALITIES, AVAILABILITY, RETRIEVE, SERIES_OF_STUDY, INSTANCES_OF_STUDY, INSTANCES_OF_SERIES}
NOT_ATTRIBUTES = {"limit", "offset", "includefield", "fuzzymatching", "accept"}

Held = tuple[Image | Made, Described]


@dataclass(frozen=True, slots=True)
class Query:
    """`matches` are paths of tags and what is wanted there."""

    matches: list[tuple[tuple[str, ...], str]]
    fields: list[str]
    is_all: bool
    fuzzy: bool
    limit: int
    offset: int


def studies(request: HttpRequest, consultation: Consultation) -> HttpResponse:
    return _search(request, consultation, "study")


def series(request: HttpRequest, consultation: Consultation, **uids: str) -> HttpResponse:
    return _search(request, consultation, "series", **uids)


def instances(request: HttpRequest, consultation: Consultation, **uids: str) -> HttpResponse:
    return _search(request, consultation, "instance", **uids)


def _search(request: HttpRequest, consultation: Consultation, level: str, **uids: str) -> HttpResponse:
    """One entry for each thing of `level` that has an instance which matches all that is asked."""
    chosen(request, (JSON, "application/json"))
    query = _query(request)
    held: list[Held] = [*attributes.held(policies.viewable_instances(request.user, consultation))]
    held += [(made, derived.described(made)) for made in derived.served(consultation=consultation, by=request.user)]
    _sum_up(held)
    names = {"study": "study_uid", "series": "series_uid"}
    within = [pair for pair in held if all(getattr(pair[0], names[name]) == uid for name, uid in uids.items())]
    key = {"study": "study_uid", "series": "series_uid", "instance": "sop_uid"}[level]
    groups: dict[str, Held] = {}
    for row, described in _matching(within, query):
        groups.setdefault(getattr(row, key), (row, described))
    page = list(groups.values())[query.offset :][: query.limit]
    return dicom_json([_entry(request, level, row, described, query, within=bool(uids)) for row, described in page])


def _matching(held: list[Held], query: Query) -> Iterator[Held]:
    """Those that match; the file of one is opened only for what the database does not keep of it."""
    for row, known in held:
        easy = [pair for pair in query.matches if attributes.is_enough(known, {pair[0][0]})]
        hard = [pair for pair in query.matches if pair not in easy]
        if not all(is_match(known, path, wanted, fuzzy=query.fuzzy) for path, wanted in easy):
            continue
        described = attributes.whole(row, known) if hard else known
        if all(is_match(described, path, wanted, fuzzy=query.fuzzy) for path, wanted in hard):
            yield row, described


def _sum_up(held: list[Held]) -> None:
    """Put into each description what it takes all instances to know."""
    studies: dict[str, list[Image | Made]] = {}
    series: dict[str, list[Image | Made]] = {}
    for row, _described in held:
        studies.setdefault(row.study_uid, []).append(row)
        series.setdefault(row.series_uid, []).append(row)
    of_study = {uid: _counted(rows) for uid, rows in studies.items()}
    of_series = {uid: {INSTANCES_OF_SERIES: _number({row.sop_uid for row in rows})} for uid, rows in series.items()}
    for row, described in held:
        described |= of_study[row.study_uid] | of_series[row.series_uid]


def _counted(rows: list[Image | Made]) -> Described:
    """What is said of a study."""
    return {
        MODALITIES: {"vr": "CS", "Value": sorted({row.modality for row in rows if row.modality})},
        SERIES_OF_STUDY: _number({row.series_uid for row in rows}),
        INSTANCES_OF_STUDY: _number({row.sop_uid for row in rows}),
        AVAILABILITY: {"vr": "CS", "Value": ["ONLINE"]},
    }


def _number(things: set[str]) -> Described:
    return {"vr": "IS", "Value": [len(things)]}


def _entry(
    request: HttpRequest, level: str, row: Image | Made, described: Described, query: Query, *, within: bool
) -> Described:
    """The attributes of `level`; those above it too when the address does not name them."""
    tags = [AVAILABILITY, *query.fields]
    if level == "study" or not within:
        tags += [*STUDY.split(), MODALITIES, SERIES_OF_STUDY, INSTANCES_OF_STUDY]
    if level == "series" or (level == "instance" and not within):
        tags += [*SERIES.split(), INSTANCES_OF_SERIES]
    tags += [STUDY_UID, *([SERIES_UID] if level != "study" else [])]
    if level == "instance":
        tags += INSTANCE.split()
    if query.is_all or not attributes.is_enough(described, set(tags) - COUNTED):
        described = attributes.whole(row, described)
    if query.is_all:
        tags += [tag for tag in described if level == "instance"] + MORE.get(level, "").split()
    found = {tag: described[tag] for tag in sorted(set(tags)) if tag in described and not _is_aside(described[tag])}
    args: list[Any] = [row.consultation_id, row.study_uid, row.series_uid, row.sop_uid]
    depth = {"study": 2, "series": 3, "instance": 4}[level]
    address = reverse(f"dicomweb-{level}", args=args[:depth])
    return {**found, RETRIEVE: {"vr": "UR", "Value": [request.build_absolute_uri(address)]}}


def _is_aside(element: Described) -> bool:
    """Large values are for the metadata, which can say where they are."""
    return "@" in str(element) and "BulkDataURI" in str(element)


def _query(request: HttpRequest) -> Query:
    """Raises Malformed for what is neither an attribute nor a parameter of a search."""
    asked = request.GET
    fields = [name for text in asked.getlist("includefield") for name in text.split(",") if name]
    fuzzy = asked.get("fuzzymatching", "false")
    if fuzzy not in ("true", "false"):
        raise malformed("fuzzymatching")
    matches = [(_path(name), wanted) for name, wanted in asked.items() if name not in NOT_ATTRIBUTES]
    return Query(
        matches=matches,
        fields=[_path(name)[0] for name in fields if name != "all"],
        is_all="all" in fields,
        fuzzy=fuzzy == "true",
        limit=_whole(asked.get("limit", "100000"), "limit"),
        offset=_whole(asked.get("offset", "0"), "offset"),
    )


def _path(name: str) -> tuple[str, ...]:
    """`PatientName`, `00100010`, or through sequences `00400275.00400007`."""
    return tuple(_tag(part) for part in name.split("."))


def _tag(name: str) -> str:
    if TAG.fullmatch(name):
        return name.upper()
    if name not in TAGS:
        raise malformed(name[:64])
    return TAGS[name]


def _whole(text: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise malformed(name)
    return int(text)
