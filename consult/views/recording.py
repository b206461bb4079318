"""Recordings: asking, agreeing and stopping in the call; the list, the player and its media on the record."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from consult import policies
from consult.errors import NotAllowed
from consult.models import AuditEntry, Consultation, Recording, RecordingFile, User
from consult.reel.sealed import SealedReader
from consult.services import audit, recording_files
from consult.services import recording as recordings
from consult.services.recording_standing import standing
from consult.states import RecordingState
from consult.views.reading import opened

SLOW = timedelta(minutes=10)  # after that it is said that films take long
VIEW_SECONDS = 12 * 3600  # how long a page that was opened may go on fetching its films
MOST_BYTES = 2 * 1024 * 1024  # of one range: the browser asks for the next one
RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


@require_safe
@login_required
def room(request: HttpRequest, pk: int) -> HttpResponse:
    """Whether the call is recorded, and what is asked of this person: the strip above the stage."""
    return _strip(request, opened(request, pk))


def _strip(request: HttpRequest, consultation: Consultation) -> HttpResponse:
    context = {"consultation": consultation, "now": standing(consultation=consultation, by=request.user)}
    return render(request, "recording/_room.html", context)


@require_POST
@login_required
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    consultation = opened(request, pk)
    recordings.ask(consultation=consultation, by=request.user)
    return _strip(request, consultation)


@require_POST
@login_required
def answer(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """`agrees` is yes or no; a no to what one agreed to is the withdrawal."""
    recording = _visible(request, pk, number)
    recordings.answer(recording=recording, by=request.user, agrees=request.POST.get("agrees") == "yes")
    return _strip(request, recording.consultation)


@require_POST
@login_required
def stop(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    recording = _visible(request, pk, number)
    recordings.stop(recording=recording, by=request.user)
    return _strip(request, recording.consultation)


def _visible(request: HttpRequest, pk: int, number: int) -> Recording:
    consultation = get_object_or_404(policies.visible_consultations(request.user), pk=pk)
    rows = policies.visible_recordings(request.user, consultation).select_related("consultation__patient", "asked_by")
    return get_object_or_404(rows, pk=number)


@require_safe
@login_required
def section(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "recording/_section.html", section_context(request, opened(request, pk)))


def section_context(request: HttpRequest, consultation: Consultation) -> dict[str, Any]:
    """`shows_recordings` is False for who may not know of them."""
    rows = list(policies.visible_recordings(request.user, consultation).prefetch_related("files"))
    views = _views(rows)
    for row in rows:
        row.views = views[str(row.pk)]  # type: ignore[attr-defined]
        row.bytes = sum(file.size for file in row.files.all())  # type: ignore[attr-defined]
        row.percent = round(100 * row.cut_share)  # type: ignore[attr-defined]
    is_side = policies.side_of(request.user, consultation) in {"asking", "answering", "oversight"}
    is_cutting = any(row.state == RecordingState.CUTTING for row in rows)
    found = {"recordings": rows, "shows_recordings": is_side, "is_cutting": is_cutting}
    return {"consultation": consultation, **found}


def _views(rows: list[Recording]) -> dict[str, list[tuple[str, Any]]]:
    """Recording's pk -> (who, when), newest first."""
    wanted = [str(row.pk) for row in rows]
    entries = AuditEntry.objects.filter(action="recording.view", object_kind="recording", object_id__in=wanted)
    seen = list(entries.order_by("-seq").values_list("object_id", "actor", "at"))
    people = User.objects.in_bulk({actor for _pk, actor, _at in seen}, field_name="username")
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    for pk, actor, at in seen:
        found[pk].append((str(people.get(actor, actor)), at))
    return found


@require_safe
@login_required
def page(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The player. Opening it is a view; the films are given out to opened pages only."""
    recording = _visible(request, pk, number)
    context = _progress_context(recording)
    is_open = recording.state == RecordingState.READY and not context["is_locked"]
    if is_open and request.method == "GET":
        audit.record_read(by=request.user, thing=recording, consultation=recording.consultation, what="view")
    context |= {
        "files": recording.files.select_related("person"),
        "size": recording_files.bytes_of(recording),
        "view": signing.dumps([recording.pk, request.user.pk], salt="recording"),
        "views": _views([recording])[str(recording.pk)],
        "may_play": policies.may_play(request.user, recording) and is_open,
        "may_hold": policies.may_hold(request.user, recording),
    }
    return render(request, "recording/page.html", context)


def _progress_context(recording: Recording) -> dict[str, Any]:
    since = timezone.now() - (recording.stopped_at or timezone.now())
    return {
        "recording": recording,
        "consultation": recording.consultation,
        "percent": round(100 * recording.cut_share),
        "is_late": since > SLOW,
        "is_locked": recording.state == RecordingState.READY and recording_files.is_locked(recording),
    }


@require_safe
@login_required
def progress(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """How far the films are; the page that asks is loaded anew when they are there."""
    recording = _visible(request, pk, number)
    answer = render(request, "recording/_progress.html", _progress_context(recording))
    if recording.state != RecordingState.CUTTING:
        answer["HX-Refresh"] = "true"
    return answer


@require_POST
@login_required
def hold(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """`held`: yes forbids the deletion, no allows it again."""
    recording = _visible(request, pk, number)
    recordings.hold(recording=recording, by=request.user, held=request.POST.get("held") == "yes")
    return redirect("recording", pk, number)


@require_safe
@login_required
def media(request: HttpRequest, pk: int, number: int, file: int) -> HttpResponseBase:
    """One film, decrypted as it is read; whole or in ranges (RFC 9110 section 14)."""
    recording = _visible(request, pk, number)
    film = get_object_or_404(RecordingFile.objects.select_related("recording"), recording=recording, number=file)
    if not policies.may_play(request.user, recording):
        raise Http404
    if not _is_viewing(request, recording):
        raise NotAllowed("not_opened", "open the recording's page: each view is noted")
    reader = recording_files.open_film(film)
    span = _span(request.headers.get("Range", ""), reader.size)
    if span is None:
        reader.close()
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{reader.size}"
        return response
    return _headers(_content(request, reader, *span), film)


def _is_viewing(request: HttpRequest, recording: Recording) -> bool:
    try:
        view = signing.loads(request.GET.get("view", ""), salt="recording", max_age=VIEW_SECONDS)
    except signing.BadSignature:
        return False
    return bool(view == [recording.pk, request.user.pk])


def _span(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None when the range lies outside. No or odd ranges mean all of it."""
    match = RANGE.match(header)
    if match is None or match[1] == match[2] == "":
        return 0, size
    if match[1] == "":
        return (max(size - int(match[2]), 0), size) if int(match[2]) else None
    start, stop = int(match[1]), min(int(match[2]) + 1 if match[2] else size, size)
    return (start, stop) if start < stop else None


def _content(request: HttpRequest, reader: SealedReader, start: int, stop: int) -> HttpResponseBase:
    if RANGE.match(request.headers.get("Range", "")):
        stop = min(stop, start + MOST_BYTES)
        response: HttpResponseBase = HttpResponse(recording_files.part(reader, start, stop), status=206)
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{reader.size}"
    else:
        response = StreamingHttpResponse(_parts(reader.parts(start, stop)))
    response["Content-Length"] = str(stop - start)
    return response


async def _parts(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while part := await asyncio.to_thread(next, parts, b""):
        yield part


def _headers(response: HttpResponseBase, film: RecordingFile) -> HttpResponseBase:
    response["Content-Type"] = film.content_type
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = "inline"
    return response
