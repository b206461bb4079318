"""Every noun of imaging."""

from imaging.models.annotation import Annotation
from imaging.models.arrival import Arrival
from imaging.models.attributes import Attributes
from imaging.models.device import Device, Echo, Knock
from imaging.models.export import Export
from imaging.models.image import Image
from imaging.models.refusal import Reason, sentence
from imaging.models.still import Still
from imaging.models.upload import Upload

__all__ = [
    "Annotation",
    "Arrival",
    "Attributes",
    "Device",
    "Echo",
    "Export",
    "Image",
    "Knock",
    "Reason",
    "Still",
    "Upload",
    "sentence",
]
