"""The image on screen into the opinion that is being written."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from imaging.services import image as images
from imaging.services import key
from imaging.views import describe
from imaging.views.frames import look, turned
from imaging.views.image import viewable


@require_POST
@login_required
def choose(request: HttpRequest, pk: int, number: int) -> JsonResponse:
    """The query is that of the frame's picture, with `turn` (0 to 3), `flip` and `invert` (1)."""
    image = viewable(request, pk)
    if number >= image.frames or image.has_report:
        raise Http404
    images.note_reading(image=image, by=request.user)
    chosen = key.choose(
        image=image,
        number=number,
        look=look(request, image),
        turned=turned(request),
        title=describe.title(image),
        by=request.user,
    )
    return JsonResponse({"key_image": chosen.pk, "count": chosen.opinion.key_images.count()}, status=201)
