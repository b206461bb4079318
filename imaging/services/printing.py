"""What stands on a printed image beside the picture: its scale, its window, how it was turned."""

from dataclasses import dataclass
from typing import Any

from imaging.models import Image
from imaging.services import key
from imaging.services.key import Box, Turned
from imaging.services.rendering import Look

LENGTHS = (200, 100, 50, 20, 10, 5, 2, 1)
SMALL = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)  # of a slide: down to 5 micrometres
TALL = 1.05  # height to width: 195 mm to 186 mm
SHARE = 0.45  # of the picture's width, at most


@dataclass(frozen=True, slots=True)
class Scale:
    """A bar of `length` millimetres that takes `share` (0 to 1) of the picture's width; at the detector, perhaps."""

    length: float
    share: float
    at_detector: bool

    @property
    def words(self) -> str:
        return f"{self.length} mm" if self.length >= 1 else f"{self.length * 1000:.0f} µm"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One image on paper. `frame` from 1; `window` centre and width, or empty; `picture` where its JPEG is."""

    image: Image
    frame: int
    picture: str
    caption: str
    window: list[float]
    turned: Turned
    scale: Scale | None
    box: Box  # what of the image is on it

    @property
    def is_tall(self) -> bool:
        """Whether the height of the paper is what bounds it."""
        said = self.image.facts.get("spacing") or {"row": 1, "column": 1}
        across, down = self.box[2] * said["column"], self.box[3] * said["row"]
        return (across / down if self.turned.quarters % 2 else down / across) > TALL

    @property
    def is_part(self) -> bool:
        """Whether it shows a region of a slide and not all of it."""
        return self.box[2:] != (self.image.width, self.image.height)

    @property
    def degrees(self) -> int:
        return self.turned.quarters * 90


def sheet(*, image: Image, number: int, look: Look, turned: Turned, picture: str) -> Sheet:
    """Frame `number` (from 0) as it is looked at."""
    box = look.region or (0, 0, image.width, image.height)
    return Sheet(image, number + 1, picture, "", key.window_of(image, look), turned, scale(image, turned, box), box)


def signed(*, image: Image, said: dict[str, Any], picture: str) -> Sheet:
    """A key image as it was signed (`key_image.snapshot`)."""
    shows = said["shows"]
    turned = Turned(shows["turn"], shows["flip"], shows["invert"])
    left, top, width, height = shows.get("region") or (0, 0, image.width, image.height)
    box = (left, top, width, height)
    bar = scale(image, turned, box)
    return Sheet(image, shows["frame"], picture, said["caption"], shows["window"], turned, bar, box)


def scale(image: Image, turned: Turned, box: Box) -> Scale | None:
    """None where the file does not say how large a pixel is, or an ultrasound's regions do not say the same."""
    said, regions = image.facts.get("spacing"), image.facts.get("regions", [])
    if regions:
        first = regions[0]
        alike = all((each["row"], each["column"]) == (first["row"], first["column"]) for each in regions)
        said = {**first, "at": "patient"} if alike and first["row"] else None
    if not said or said["at"] not in ("patient", "detector", "slide"):
        return None
    across = box[3] * said["row"] if turned.quarters % 2 else box[2] * said["column"]
    lengths = (*LENGTHS, *SMALL) if image.has_tiles else LENGTHS
    fitting = [length for length in lengths if length <= across * SHARE]
    return Scale(fitting[0], fitting[0] / across, said["at"] == "detector") if fitting else None
