"""One HTTP POST to a service outside: no redirects, a short patience, and in words why it did not work."""

from urllib import error, request

PATIENCE = 10  # seconds


class Undelivered(Exception):
    """It did not arrive. `is_final`: trying again is no use. The words hold no address and nothing about a patient."""

    def __init__(self, words: str, *, is_final: bool = False) -> None:
        super().__init__(words)
        self.is_final = is_final


class _NoRedirect(request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:  # type: ignore[override]
        return None


_opener = request.build_opener(_NoRedirect)
FINAL = frozenset({400, 401, 403, 404, 405, 410, 413})


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status, 200 to 299. Raises Undelivered for everything else."""
    asked = request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310  (callers check the scheme)
    try:
        with _opener.open(asked, timeout=PATIENCE) as answer:
            return int(answer.status)
    except error.HTTPError as refused:
        with refused:
            raise Undelivered(f"HTTP {refused.code}", is_final=refused.code in FINAL) from None
    except (OSError, ValueError) as lost:
        reason = getattr(lost, "reason", lost)
        raise Undelivered(f"no connection: {type(reason).__name__}") from None
