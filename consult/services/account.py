"""What a person sets on their own account."""

from django.utils import timezone

from consult.models import User


def speak(*, by: User, language: str) -> None:
    """Keep `language` (a code of settings.LANGUAGES) as the language this person is spoken to in."""
    by.language = language
    by.save(update_fields=["language"])


def note_online(by: User) -> None:
    """A page of theirs is open now. No audit row: it says nothing that anybody did."""
    User.objects.filter(pk=by.pk).update(online_at=timezone.now())
