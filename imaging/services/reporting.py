"""A structured report as people read it: its items in order, the images it names as links where they are here."""

import json
from dataclasses import dataclass, field
from typing import Any

from consult.models import User
from imaging.dicom.names import REPORT, REPORT_DEPTH
from imaging.models import Image
from imaging.policies import image as policies
from imaging.services import instance, rendering
from imaging.services.derived import Made


@dataclass(frozen=True, slots=True)
class Link:
    """An instance that the report names: `image` and `frame` (from 0) when it is here and this person may see it."""

    uid: str
    frames: str
    image: int | None
    frame: int


@dataclass(frozen=True, slots=True)
class Item:
    """One content item (PS3.3 section C.17.3): `number` is its place in the tree, 1.2.3."""

    number: str
    relation: str
    kind: str
    name: str
    value: str
    unit: str
    links: list[Link]
    items: list["Item"]


@dataclass(frozen=True, slots=True)
class Report:
    """`by` are the verifying observers; `at` the time of its content."""

    title: str
    is_complete: bool
    is_verified: bool
    at: str
    by: list[dict[str, str]]
    items: list[Item] = field(default_factory=list)


def read(*, image: Image | Made, by: User) -> Report:
    """The report that was taken out of `image`. Raises Refusal `lost` when it is gone or not what the child writes."""
    try:
        tree = json.loads(instance.read(image.path / "shown" / REPORT))
        here = _here(by, image, _uids(tree["items"], 0))
        return Report(
            title=str(tree["title"]),
            is_complete=tree["complete"] is True,
            is_verified=tree["verified"] is True,
            at=str(tree["at"]),
            by=[{key: str(each[key]) for key in ("name", "place", "at")} for each in tree["by"]],
            items=[_item(each, here, 0) for each in tree["items"]],
        )
    except (ValueError, KeyError, TypeError):
        raise rendering.lost() from None


def _uids(items: list[dict[str, Any]], depth: int) -> set[str]:
    if depth > REPORT_DEPTH:
        raise ValueError("deeper than the child writes")
    own = {str(point["sop"]) for item in items for point in item["images"]}
    return own.union(*(_uids(item["items"], depth + 1) for item in items))


def _here(by: User, image: Image | Made, uids: set[str]) -> dict[str, Image]:
    """Instances of the consultation by their UID, of those named that this person may see."""
    if not uids:
        return {}
    rows = policies.viewable_instances(by, image.consultation).only("pk", "sop_uid", "frames")
    return {row.sop_uid: row for row in rows if row.sop_uid in uids}


def _item(said: dict[str, Any], here: dict[str, Image], depth: int) -> Item:
    texts = {name: str(said[name]) for name in ("number", "relation", "kind", "name", "value", "unit")}
    links = [_link(point, here) for point in said["images"]]
    return Item(**texts, links=links, items=[_item(each, here, depth + 1) for each in said["items"]])


def _link(point: dict[str, Any], here: dict[str, Image]) -> Link:
    uid, frames = str(point["sop"]), [int(frame) for frame in point["frames"]]
    image = here.get(uid)
    first = frames[0] - 1 if frames and image and 0 < frames[0] <= image.frames else 0
    return Link(uid, ", ".join(map(str, frames)), image.pk if image else None, first)
