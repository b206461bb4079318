"""Who sees an image, its pixels and its file, and who may add, confirm or withdraw. Deny unless a line says yes."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from consult.models import Consultation, User
from consult.policies import consultation as consultations
from consult.policies import person
from consult.states import FINAL
from imaging.models import Image, Upload

S = Image.State


def visible_images(user: User) -> QuerySet[Image]:
    """Images of consultations this person sees, but the withdrawn."""
    seen = consultations.visible_consultations(user)
    return (
        Image.objects.filter(consultation__in=seen)
        .exclude(state=S.WITHDRAWN)
        .select_related("consultation__patient", "uploaded_by")
        .prefetch_related("stills__asked_by")
    )


def visible_image(user: User, pk: int) -> Image | None:
    """That of `visible_images` with this key, for what is fetched many times a second."""
    row = Image.objects.exclude(state=S.WITHDRAWN).filter(pk=pk).select_related("consultation").first()
    return row if row is not None and consultations.side_of(user, row.consultation) else None


def own_uploads(user: User) -> QuerySet[Upload]:
    """Unfinished and just finished uploads that this person began, where they may still see the consultation."""
    seen = consultations.visible_consultations(user)
    return Upload.objects.filter(by=user, consultation__in=seen).select_related("consultation", "image")


def may_add(user: User, consultation: Consultation) -> bool:
    return consultations.may_add_images(user, consultation)


def may_view(user: User, image: Image) -> bool:
    """Pixels and file: once ready everybody who sees the image; while held only the asking side, to compare."""
    if image.state == S.READY:
        return True
    return image.state == S.HELD and consultations.side_of(user, image.consultation) == "asking"


def viewable_instances(user: User, consultation: Consultation) -> QuerySet[Image]:
    """The DICOM images of a consultation that this person sees whose pixels they may see as well: see `may_view`."""
    states = [S.READY, S.HELD] if consultations.side_of(user, consultation) == "asking" else [S.READY]
    rows = Image.objects.filter(consultation=consultation, kind=Image.Kind.DICOM, state__in=states)
    return rows.exclude(sop_uid="").exclude(series_uid="").exclude(study_uid="")


def prior_consultations(user: User, consultation: Consultation) -> QuerySet[Consultation]:
    """Others of the same patient that this person sees: the same record, or the same identity number and birth date."""
    patient = consultation.patient
    if patient is None:
        return Consultation.objects.none()
    same = Q(patient=patient)
    if patient.id_number:
        same |= Q(patient__id_number=patient.id_number, patient__birth_date=patient.birth_date)
    return consultations.visible_consultations(user).filter(same).exclude(pk=consultation.pk)


def prior_images(user: User, consultation: Consultation) -> QuerySet[Image]:
    """What `consultation` may be compared with: ready images of `prior_consultations`."""
    rows = visible_images(user).filter(consultation__in=prior_consultations(user, consultation), state=S.READY)
    return rows.exclude(kind=Image.Kind.ARCHIVE)


def hidden_from(consultation: Consultation, others: Iterable[int]) -> dict[int, list[User]]:
    """Who of the people of `consultation` does not see which of `others` (keys of consultations): its asker, its
    specialist, and whoever is in its call. One query for each of them."""
    here = consultation.participants.filter(last_joined_at__isnull=False, last_left_at=None).select_related("person")
    people = {each.pk: each for each in (consultation.asker, consultation.expert) if each is not None}
    people |= {each.person.pk: each.person for each in here}
    hidden: dict[int, list[User]] = {key: [] for key in others}
    for each in people.values():
        visible = consultations.visible_consultations(each).filter(pk__in=hidden)
        for key in hidden.keys() - set(visible.values_list("pk", flat=True)):
            hidden[key].append(each)
    return hidden


def may_confirm(user: User, image: Image) -> bool:
    """That a file with another patient's name belongs here: a doctor of the asking side."""
    consultation = image.consultation
    return (
        image.state == S.HELD
        and consultation.patient_id is not None
        and person.is_doctor(user)
        and consultations.side_of(user, consultation) == "asking"
        and may_add(user, consultation)
    )


def may_withdraw(user: User, image: Image) -> bool:
    """The uploader, and for refused and held files everybody of the uploader's side who may add."""
    consultation = image.consultation
    if image.state == S.WITHDRAWN or consultation.state in FINAL:
        return False
    if image.uploaded_by_id == user.pk:
        return consultations.side_of(user, consultation) != ""
    asking = consultations.side_of(user, consultation) == "asking"
    return image.state in (S.REFUSED, S.HELD) and asking and may_add(user, consultation)
