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


register_converter(UID, "uid")

urlpatterns = [
    path("studies", resources.studies, name="dicomweb-studies"),
    path("studies/<uid:study>", resources.study, name="dicomweb-study"),
]
