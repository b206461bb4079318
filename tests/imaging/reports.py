"""Structured reports for tests: measurements by TID 1500 (PS3.16) and hostile ones, as whole DICOM files."""

import io
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ComprehensiveSRStorage, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from tests.imaging.doors import real


def code(meaning: str, value: str = "111", scheme: str = "DCM") -> Sequence:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, scheme, meaning
    return Sequence([made])


def item(kind: str, name: str, *items: Dataset, relation: str = "CONTAINS", **elements: Any) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType, made.ConceptNameCodeSequence = relation, kind, code(name)
    for key, value in elements.items():
        setattr(made, key, value)
    if items:
        made.ContentSequence = Sequence(items)
    return made


def number(name: str, value: str, unit: str, *items: Dataset) -> Dataset:
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = value, code(unit, unit, "UCUM")
    return item("NUM", name, *items, MeasuredValueSequence=Sequence([measured]))


def picture(uid: str, *frames: int) -> Dataset:
    named = Dataset()
    named.ReferencedSOPClassUID, named.ReferencedSOPInstanceUID = CTImageStorage, uid
    if frames:
        named.ReferencedFrameNumber = list(frames)
    return item("IMAGE", "Source image", relation="INFERRED FROM", ReferencedSOPSequence=Sequence([named]))


def measurements(uid: str, note: str = "实性结节，边界清楚") -> bytes:
    """A measurement report of a nodule in the image `uid`, and of one that is elsewhere (TID 1500, 1501, 1419)."""
    nodule = item(
        "CONTAINER",
        "Measurement Group",
        item("TEXT", "Tracking Identifier", TextValue="Nodule 1", relation="HAS OBS CONTEXT"),
        item("CODE", "Finding Site", ConceptCodeSequence=code("Right upper lobe of lung", "45653009", "SCT")),
        number("Long Axis", "12.4", "mm", picture(uid)),
        number("Area", "88.5", "mm2"),
        number("Mean", "-31", "[hnsf'U]", picture("1.2.840.999.1", 3, 4)),
        number("Ratio", "0.7", "1"),
        item("TEXT", "Comment", TextValue=note),
    )
    return report(
        item("CODE", "Language", ConceptCodeSequence=code("Chinese", "zh", "RFC5646"), relation="HAS CONCEPT MOD"),
        item("PNAME", "Person Observer Name", PersonName="Li^Na=李^娜", relation="HAS OBS CONTEXT"),
        item("CONTAINER", "Imaging Measurements", nodule),
    )


def report(*items: Dataset, title: str = "Imaging Measurement Report") -> bytes:
    """Verified and complete, of the patient and study of CT_small."""
    source = dcmread(io.BytesIO(real("CT_small.dcm")), stop_before_pixels=True)
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate"):
        setattr(made, name, source.get(name))
    made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID = (
        ComprehensiveSRStorage,
        generate_uid(),
        generate_uid(),
    )
    made.Modality, made.SeriesNumber, made.InstanceNumber = "SR", 9, 1
    made.ContentDate, made.ContentTime = "20261120", "093000"
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "VERIFIED"
    verifier = Dataset()
    verifier.VerifyingObserverName, verifier.VerifyingOrganization = "Zhao^Yun=赵^云", "山西省人民医院"
    verifier.VerificationDateTime = "20261120101500"
    made.VerifyingObserverSequence = Sequence([verifier])
    made.ValueType, made.ConceptNameCodeSequence, made.ContinuityOfContent = "CONTAINER", code(title), "SEPARATE"
    made.ContentSequence = Sequence(items)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


def nested(depth: int) -> bytes:
    """Containers in containers."""
    inner = item("TEXT", "Note", TextValue="deep")
    for _ in range(depth - 1):
        inner = item("CONTAINER", "Section", inner)
    return report(inner)


def long(count: int) -> bytes:
    return report(*[item("TEXT", "Line", TextValue=str(place)) for place in range(count)])
