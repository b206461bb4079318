"""Addresses of DICOMweb below `/dicomweb/<consultation>/`; every UID is digits and dots (PS3.5 section 9)."""

from django.urls import path, register_converter

from imaging.web import resources


class UID:
    """At most 64 digits and dots."""

    regex = r"[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Frames:
    """Numbers from 1, with commas."""

    regex = r"[1-9][0-9]{0,5}(,[1-9][0-9]{0,5}){0,99}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UID, "uid")
register_converter(Frames, "frames")

STUDY = "studies/<uid:study>"
SERIES = f"{STUDY}/series/<uid:series>"
INSTANCE = f"{SERIES}/instances/<uid:instance>"

urlpatterns = [
    path("studies", resources.studies, name="dicomweb-studies"),
    path("series", resources.search_series, name="dicomweb-all-series"),
    path("instances", resources.search_instances, name="dicomweb-all-instances"),
    path(STUDY, resources.study, name="dicomweb-study"),
    path(f"{STUDY}/metadata", resources.metadata, name="dicomweb-study-metadata"),
    path(f"{STUDY}/thumbnail", resources.thumbnail, name="dicomweb-study-thumbnail"),
    path(f"{STUDY}/series", resources.search_series, name="dicomweb-study-series"),
    path(f"{STUDY}/instances", resources.search_instances, name="dicomweb-study-instances"),
    path(SERIES, resources.series, name="dicomweb-series"),
    path(f"{SERIES}/metadata", resources.metadata, name="dicomweb-series-metadata"),
    path(f"{SERIES}/thumbnail", resources.thumbnail, name="dicomweb-series-thumbnail"),
    path(f"{SERIES}/instances", resources.search_instances, name="dicomweb-series-instances"),
    path(INSTANCE, resources.instance, name="dicomweb-instance"),
    path(f"{INSTANCE}/metadata", resources.metadata, name="dicomweb-instance-metadata"),
    path(f"{INSTANCE}/thumbnail", resources.thumbnail, name="dicomweb-instance-thumbnail"),
    path(f"{INSTANCE}/rendered", resources.rendered, name="dicomweb-instance-rendered"),
    path(f"{INSTANCE}/frames/<frames:numbers>", resources.frames, name="dicomweb-frames"),
    path(f"{INSTANCE}/frames/<frames:numbers>/rendered", resources.frames_rendered, name="dicomweb-frames-rendered"),
    path(f"{INSTANCE}/bulkdata/<slug:name>", resources.bulk, name="dicomweb-bulkdata"),
]
