"""The hospitals' certificates: which sign, which end soon, which are missing."""

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from consult.models import OpinionVersion, Seal
from consult.policies import hospital as policies
from consult.services import certificate


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    if not policies.is_keeper(request.user):
        raise Http404
    hospitals = policies.sealing_hospitals(request.user)
    bare = OpinionVersion.objects.filter(~Exists(Seal.objects.filter(version=OuterRef("pk"))))
    place = "opinion__consultation__asked_hospital"
    waiting = dict(bare.filter(**{f"{place}__in": hospitals}).values_list(place).annotate(Count("pk")))
    rows = [(certificate.standing(hospital), waiting.get(hospital.pk, 0)) for hospital in hospitals]
    return render(request, "certificate/page.html", {"rows": rows})
