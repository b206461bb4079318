"""The only errors people read. Everything else is a bug and is shown as an id."""


class Refusal(Exception):
    """Something may not be done: `code` for programs and tests, `message` (translated) says what to do next."""

    status = 422

    def __init__(self, code: str, message: object, *, field: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field


class NotAllowed(Refusal):
    """The person sees the thing but may not do this to it."""

    status = 403


class Conflict(Refusal):
    """Somebody was first, or the moment has passed."""

    status = 409


class TooLarge(Refusal):
    """More bytes than the site takes."""

    status = 413


class StorageFull(Refusal):
    """The disk has no room (RFC 4918 section 11.5)."""

    status = 507


class StoreAway(Refusal):
    """The place where files are kept does not answer: nothing was done, and it may be tried again."""

    status = 503
