"""What the page tests do again and again: a signed-in browser, an htmx request, a JSON request."""

from typing import Any

from django.test import Client

from consult.models import User

HTMX = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}


def browser(user: User, **kwargs: Any) -> Client:
    made = Client(**kwargs)
    made.force_login(user)
    return made


def page_of(answer: Any) -> str:
    return str(answer.content.decode())
