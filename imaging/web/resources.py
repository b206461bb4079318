"""The resources of DICOMweb (PS3.18 table 10.3-1) and which transaction each method is."""

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from consult.models import Consultation
from imaging.web import stow
from imaging.web.door import dicomweb


@require_http_methods(["POST"])
@dicomweb
def studies(request: HttpRequest, consultation: Consultation) -> HttpResponseBase:
    """All studies of the consultation."""
    return stow.store(request, consultation)


@require_http_methods(["POST"])
@dicomweb
def study(request: HttpRequest, consultation: Consultation, study: str) -> HttpResponseBase:
    """One study."""
    return stow.store(request, consultation, study)
