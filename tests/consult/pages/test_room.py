"""What the page of the call says about the consultation, kept up to date by news."""

from django.urls import reverse

from consult.services import session
from tests import cast as walk
from tests.cast import Cast
from tests.consult.pages.browsers import HTMX, browser


def test_the_call_notices_the_end_of_the_session(cast: Cast) -> None:
    thing = walk.in_session(cast)
    url = reverse("room-state", args=[thing.pk])
    during = browser(cast.doctor).get(url, **HTMX).content.decode()
    assert ('data-control="end"' in during, 'data-state="in_session"' in during) == (True, True)
    assert ("data-elapsed" in during, "data-over" in during) == (True, False)
    session.end(consultation=thing, by=cast.expert)
    after = browser(cast.doctor).get(url, **HTMX).content.decode()
    assert ('data-control="end"' in after, 'data-state="opinion_due"' in after, "data-over" in after) == (
        False,
        True,
        True,
    )


def test_the_clock_of_the_call_is_the_sites(cast: Cast) -> None:
    """A reload does not start it anew, and before the session there is none."""
    thing = walk.accepted(cast)
    page = browser(cast.doctor).get(reverse("room", args=[thing.pk])).content.decode()
    assert "data-elapsed" not in page
    walk.session.arrived(consultation=thing, by=cast.doctor)
    walk.session.arrived(consultation=thing, by=cast.expert)
    thing.session_started_at -= walk.timedelta(minutes=5)
    thing.save(update_fields=["session_started_at"])
    page = browser(cast.doctor).get(reverse("room", args=[thing.pk])).content.decode()
    seconds = int(page.split('data-elapsed="')[1].split('"')[0])
    assert 300 <= seconds < 360
