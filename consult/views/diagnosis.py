"""ICD-10 for the choosers: what matches, and what codes mean. Nothing of any record is behind it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from consult.codes import icd10

LONGEST = 60  # characters


@require_safe
@login_required
def found(request: HttpRequest) -> JsonResponse:
    """`?q=words` or `?codes=I20.0+I10`: `{"found": [{"code", "name"}]}`, the name in the page's language."""
    language = get_language() or ""
    if "codes" in request.GET:
        asked = request.GET["codes"].split()[: icd10.MOST]
        rows = [entry for code in asked if (entry := icd10.entry(code))]
    else:
        rows = icd10.search(request.GET.get("q", "")[:LONGEST])
    answer = JsonResponse({"found": [{"code": row.code, "name": row.name(language)} for row in rows]})
    answer["Cache-Control"] = "private, max-age=3600"
    answer["Vary"] = "Accept-Language, Cookie"
    return answer
