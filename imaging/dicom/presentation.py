"""An image as it was looked at, as a presentation state: window, turn and mirror, marks (PS3.3 A.33)."""

from typing import Any

import highdicom
import numpy as np
from highdicom import pr
from PIL import ImageCms
from pydicom.dataset import Dataset

from imaging.dicom import shapes
from imaging.dicom.measured import person_name

Said = dict[str, Any]
SOFTWARE = {"manufacturer_model_name": "Telemed", "software_versions": "1", "device_serial_number": "1"}

AS_IT_IS: Said = {"window": [], "turn": 0, "flip": False, "invert": False}


def views(chosen: list[Said], marks: list[Said]) -> list[Said]:
    """Each key image as it was chosen; then each other frame with marks, in its own window. `marks` are added."""
    found = [dict(view) for view in chosen]
    seen = {(view["image"], view["frame"]) for view in chosen}
    for mark in marks:
        place = (mark["image"], mark["frame"])
        if place not in seen:
            seen.add(place)
            found.append(dict(AS_IT_IS, image=place[0], frame=place[1], author=mark["author"]))
    for view in found:
        here = (view["image"], view["frame"])
        view["marks"] = [mark for mark in marks if (mark["image"], mark["frame"]) == here]
    return found


def state(image: Dataset, view: Said, named: Said) -> Dataset:
    """Of one frame (`view["frame"]`, from 0): grey (PS3.3 A.33.1) or colour (A.33.2)."""
    frame = view["frame"] + 1 if int(image.get("NumberOfFrames") or 1) > 1 else None
    layer = pr.GraphicLayer("MARKS", 1, "Measurements and annotations")
    said = {
        "referenced_images": [image],
        "content_label": "MARKS" if view["marks"] else "VIEW",
        "graphic_layers": [layer] if view["marks"] else None,
        "graphic_annotations": [_annotation(mark, image, layer, frame) for mark in view["marks"]] or None,
        "content_creator_name": person_name(view["author"]),
        **SOFTWARE,
        **named,
    }
    if int(image.get("SamplesPerPixel") or 1) > 1:
        made: Dataset = pr.ColorSoftcopyPresentationState(**said, icc_profile=image.get("ICCProfile") or _srgb())
    else:
        made = _grey(image, view, said)
    _turn(made, view, image)
    if frame is not None:
        _only_frame(made, frame)
    return made


def _srgb() -> bytes:
    """Colour of pictures without a profile is taken to be sRGB, as browsers do; as an input device (PS3.3 C.11.15)."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[:12] + b"scnr" + made[16:84] + bytes(16) + made[100:]  # its class, and no hash of what it was


def _grey(image: Dataset, view: Said, said: Said) -> Dataset:
    """The shape of the presentation LUT says which end is white, whatever the image says (PS3.3 C.11.6.1.2)."""
    if view["window"]:
        center, width = view["window"]
        said["voi_lut_transformations"] = [pr.SoftcopyVOILUTTransformation(window_center=center, window_width=width)]
    is_inverse = (image.get("PhotometricInterpretation") == "MONOCHROME1") != view["invert"]
    shape = (
        highdicom.PresentationLUTShapeValues.INVERSE if is_inverse else highdicom.PresentationLUTShapeValues.IDENTITY
    )
    lut = highdicom.PresentationLUTTransformation(presentation_lut_shape=shape)
    made = pr.GrayscaleSoftcopyPresentationState(**said, presentation_lut_transformation=lut)
    if image.get("Modality") == "CT" and "RescaleType" in made:
        made.RescaleType = "HU"
    return made


def _annotation(mark: Said, image: Dataset, layer: pr.GraphicLayer, frame: int | None) -> pr.GraphicAnnotation:
    drawn = [
        pr.GraphicObject(
            pr.GraphicTypeValues(kind),
            np.asarray(points, np.float64),
            pr.AnnotationUnitsValues.PIXEL,
            tracking_id=(mark["text"] or mark["kind"])[:64],
            tracking_uid=mark["tracking"],
        )
        for kind, points in shapes.of(mark["kind"], mark["points"])
    ]
    words = "\r\n".join(mark["lines"])[:1024]
    x, y = mark["points"][-1]
    texts = [pr.TextObject(words, pr.AnnotationUnitsValues.PIXEL, anchor_point=(x, y))] if words else None
    return pr.GraphicAnnotation(
        referenced_images=[image],
        graphic_layer=layer,
        referenced_frame_number=frame,
        graphic_objects=drawn,
        text_objects=texts,
    )


def _turn(made: Dataset, view: Said, image: Dataset) -> None:
    """The site mirrors first and turns then; the standard turns first (PS3.3 C.10.6)."""
    quarters = (-view["turn"] if view["flip"] else view["turn"]) % 4
    made.ImageRotation = quarters * 90
    made.ImageHorizontalFlip = "Y" if view["flip"] else "N"
    area = made.DisplayedAreaSelectionSequence[0]
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [int(image.Columns), int(image.Rows)]
    if "PixelOriginInterpretation" in area:
        del area.PixelOriginInterpretation  # of slides only
    if image.get("PixelSpacing"):
        area.PresentationPixelSpacing = image.PixelSpacing
        del area.PresentationPixelAspectRatio
    if made.ImageRotation or view["flip"]:
        _swap(area, quarters, view["flip"])


def _swap(area: Dataset, quarters: int, flip: bool) -> None:
    """Corners are named as they stand on the screen (PS3.3 C.10.4), so a turn or mirror changes which they are."""
    right, bottom = area.DisplayedAreaBottomRightHandCorner
    corners = [(1, 1), (right, 1), (right, bottom), (1, bottom)]  # clockwise from the top left
    corners = corners[-quarters:] + corners[:-quarters] if quarters else corners
    if flip:
        corners = [corners[1], corners[0], corners[3], corners[2]]
    area.DisplayedAreaTopLeftHandCorner = list(corners[0])
    area.DisplayedAreaBottomRightHandCorner = list(corners[2])


def _only_frame(made: Dataset, frame: int) -> None:
    for series in made.ReferencedSeriesSequence:
        for item in series.ReferencedImageSequence:
            item.ReferencedFrameNumber = frame
    for area in made.DisplayedAreaSelectionSequence:
        for item in area.get("ReferencedImageSequence", []):
            item.ReferencedFrameNumber = frame
