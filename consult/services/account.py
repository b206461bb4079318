"""What a person sets on their own account."""

from consult.models import User


def speak(*, by: User, language: str) -> None:
    """Keep `language` (a code of settings.LANGUAGES) as the language this person is spoken to in."""
    by.language = language
    by.save(update_fields=["language"])
