"""The attributes of instances that are searched (PS3.18 section 10.6): from the database, the rest from the files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from imaging.dicom.names import LARGEST, SEARCH, TAGS
from imaging.models import Attributes, Image, Reason
from imaging.services import decoding, instance
from imaging.services.searching import Described

if TYPE_CHECKING:
    from imaging.services.derived import Made

SEARCHED = frozenset(TAGS.values())
MOST = 512 * 1024  # bytes of all of them
FIELDS = [
    "consultation_id",
    "folder",
    "state",
    "study_uid",
    "series_uid",
    "sop_uid",
    "modality",
    "frames",
    "width",
    "height",
    "size",
]


def said_by_child(work: Path) -> Described:
    """What the limited child wrote of the searched attributes. Raises Undecodable when it is not that."""
    path = work / SEARCH
    try:
        said = json.loads(path.read_bytes()) if path.stat().st_size <= MOST else None
    except (OSError, ValueError):
        said = None
    if not isinstance(said, dict) or not said.keys() <= SEARCHED:
        raise decoding.Undecodable(Reason.DAMAGED)
    return said


def keep(image: Image, said: Described) -> None:
    """Beside the image's row, in the caller's transaction."""
    Attributes.objects.update_or_create(image=image, defaults={"said": said})


def held(rows: QuerySet[Image]) -> list[tuple[Image, Described]]:
    """Each instance with its searched attributes, in one query; what is missing of old ones is kept on the way."""
    found = list(rows.select_related("attributes").only(*FIELDS, "attributes__said"))
    known = {row.pk: getattr(row, "attributes", None) for row in found}
    missing = [row for row in found if known[row.pk] is None]
    made = [Attributes(image=row, said=_chosen(instance.described(row))) for row in missing]
    Attributes.objects.bulk_create(made, ignore_conflicts=True, batch_size=200)
    known |= {each.image_id: each for each in made}
    return [(row, dict(kept.said)) for row in found if (kept := known[row.pk])]


def _chosen(described: Described) -> Described:
    said = {tag: described[tag] for tag in sorted(SEARCHED & described.keys())}
    return {tag: element if len(json.dumps(element)) <= LARGEST else None for tag, element in said.items()}


def is_enough(described: Described, tags: set[str]) -> bool:
    """Whether what the database keeps of an instance says all of `tags`."""
    return tags <= SEARCHED and all(described.get(tag, "") is not None for tag in tags)


def whole(row: "Image | Made", described: Described) -> Described:
    """All elements of the instance, read from its file, below what is known of it already."""
    return {**instance.described(row), **{tag: each for tag, each in described.items() if each is not None}}
