"""Measurements as a structured report (PS3.16 TID 1500): values as the site measured them, in units, and by whom."""

from typing import Any

import numpy as np
from highdicom import sr
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from imaging.dicom import shapes

Group = sr.PlanarROIMeasurementsAndQualitativeEvaluations | sr.MeasurementsAndQualitativeEvaluations
PIXELS = Code("{pixels}", "UCUM", "Pixels")
NO_UNITS = codes.UCUM.NoUnits
ATTENUATION = codes.DCM.AttenuationCoefficient
PIXEL_VALUE = Code("pixel_value", "99TELEMED", "Pixel value")
DURATION = Code("103335007", "SCT", "Duration")
POTENTIAL = Code("voltage", "99TELEMED", "Difference of potential")
AT_DETECTOR = Code("at_detector", "99TELEMED", "Length at the detector, not in the patient")


def observer(name: str, place: str) -> sr.ObserverContext:
    return sr.ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(
            name=person_name(name), organization_name=place or None
        ),
    )


def person_name(name: str) -> str:
    """A name of Han characters as the ideographic group of PN (PS3.5 section 6.2), any other as the family name."""
    clean = name.replace("^", " ").replace("=", " ").replace("\\", " ").strip()[:60] or "-"
    return f"{clean}^" if clean.isascii() else f"-^={clean}^"


def report(images: dict[str, Dataset], marks: list[dict[str, Any]], named: dict[str, Any]) -> Dataset:
    """The measurements of one author on images of one study."""
    evidence = [images[key] for key in dict.fromkeys(str(mark["image"]) for mark in marks)]
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_person_context=observer(marks[0]["author"], marks[0]["place"])
        ),
        procedure_reported=Code("363679005", "SCT", "Imaging procedure"),
        imaging_measurements=[_group(mark, images[str(mark["image"])]) for mark in marks],
        title=codes.DCM.ImagingMeasurementReport,
        language_of_content_item_and_descendants=sr.LanguageOfContentItemAndDescendants(
            sr.CodedConcept("en", "RFC5646", "English")
        ),
    )
    return sr.ComprehensiveSR(evidence=evidence, content=content[0], is_complete=True, **named)


def _group(mark: dict[str, Any], image: Dataset) -> Group:
    """TID 1410 for a region, TID 1501 for anything else."""
    frames = [mark["frame"] + 1] if int(image.get("NumberOfFrames") or 1) > 1 else None
    shown = sr.SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID, frames)
    tracking = sr.TrackingIdentifier(uid=mark["tracking"], identifier=(mark["text"] or mark["kind"])[:64])
    kind, points = shapes.of(mark["kind"], mark["points"])[0]
    if mark["kind"] in ("rectangle", "ellipse"):
        region = sr.ImageRegion(kind, _array(points), shown)
        return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=tracking, referenced_region=region, measurements=_measurements(mark, None)
        )
    places = [
        sr.CoordinatesForMeasurement(each, _array(at), shown) for each, at in shapes.of(mark["kind"], mark["points"])
    ]
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking, measurements=_measurements(mark, places)
    )


def _array(points: list[list[float]]) -> NDArray[np.float64]:
    return np.asarray(points, np.float64)


def _measurements(mark: dict[str, Any], places: list[sr.CoordinatesForMeasurement] | None) -> list[sr.Measurement]:
    return [
        sr.Measurement(
            name=name, value=value, unit=unit, derivation=derivation, method=method, referenced_coordinates=places
        )
        for name, value, unit, derivation, method in _said(mark["figures"], mark["kind"])
    ]


def _said(figures: dict[str, Any], kind: str) -> list[tuple[Code, float, Code, Code | None, Code | None]]:
    """(concept, value, unit, derivation, method) of each thing measured."""
    is_mm = figures.get("unit") == "mm"
    method = AT_DETECTOR if figures.get("at") == "detector" else None
    is_hu = figures.get("values") == "HU"
    of, value = (ATTENUATION, codes.UCUM.HounsfieldUnit) if is_hu else (PIXEL_VALUE, NO_UNITS)
    found: list[tuple[Code, float, Code, Code | None, Code | None]] = []
    if "length" in figures:
        found.append((codes.SCT.Length, figures["length"], codes.UCUM.Millimeter if is_mm else PIXELS, None, method))
    if "area" in figures:
        unit = codes.UCUM.SquareMillimeter if is_mm else PIXELS
        found.append((codes.SCT.Area, figures["area"], unit, None, method))
    if "angle" in figures:
        concept = codes.SCT.CobbAngle if kind == "cobb" else codes.SCT.Angle
        found.append((concept, figures["angle"], codes.UCUM.Degree, None, None))
    if "ms" in figures:
        found.append((DURATION, figures["ms"], codes.UCUM.Millisecond, None, None))
        found.append((POTENTIAL, figures["mv"], codes.UCUM.Millivolt, None, None))
    derived = {"mean": codes.SCT.Mean, "sd": codes.SCT.StandardDeviation, "low": codes.SCT.Minimum}
    for name, derivation in {**derived, "high": codes.SCT.Maximum}.items():
        if name in figures:
            found.append((of, figures[name], value, derivation, None))
    if "value" in figures:
        found.append((of, figures["value"], value, None, None))
    return found
