"""The resources of DICOMweb (PS3.18 tables 10.3-1, 10.4.1-1 and 10.6.1-1) and which transaction each method is."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from consult.models import Consultation
from imaging.web import qido, stow, wado
from imaging.web.door import dicomweb

Resource = Callable[..., HttpResponseBase]


def read_only(transaction: Resource) -> Resource:
    """A door that only GET and HEAD open."""
    return require_http_methods(["GET", "HEAD"])(dicomweb(transaction))


@require_http_methods(["GET", "HEAD", "POST"])
@dicomweb
def studies(request: HttpRequest, consultation: Consultation) -> HttpResponseBase:
    """All studies of the consultation: search, store."""
    if request.method == "POST":
        return stow.store(request, consultation)
    return qido.studies(request, consultation)


@require_http_methods(["GET", "HEAD", "POST"])
@dicomweb
def study(request: HttpRequest, consultation: Consultation, **uids: Any) -> HttpResponseBase:
    """One study: retrieve, store."""
    if request.method == "POST":
        return stow.store(request, consultation, uids["study"])
    return wado.retrieve(request, consultation, **uids)


series = instance = read_only(wado.retrieve)
metadata = read_only(wado.metadata)
thumbnail = read_only(wado.thumbnail)
rendered = read_only(wado.instance_rendered)
frames_rendered = read_only(wado.rendered)
frames = read_only(wado.frames)
bulk = read_only(wado.bulk)
search_series = read_only(qido.series)
search_instances = read_only(qido.instances)
