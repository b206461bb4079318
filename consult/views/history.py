"""What happened to a consultation, in words: the audit rows that people who take part should read."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consult.models import AuditEntry, Clock, Consultation, User

# action -> icon, words. What is not named here (reads, saved drafts, messages) is for the regulator, not for this list.
WORDS: dict[str, tuple[str, str | Promise]] = {
    "consultation.start": ("pencil", _("Request started")),
    "consultation.submit": ("send", _("Request sent")),
    "consultation.triage": ("clipboard-check", _("Triage started")),
    "consultation.ask_more": ("circle-help", _("More information asked for")),
    "consultation.supply": ("message-square", _("Question answered")),
    "consultation.return": ("undo-2", _("Returned")),
    "consultation.assign": ("user-plus", _("Offered to a specialist")),
    "consultation.accept": ("check", _("Accepted")),
    "consultation.take": ("hand", _("Taken by the department")),
    "consultation.decline": ("user-x", _("Declined")),
    "consultation.urge": ("bell-ring", _("Urged")),
    "consultation.cannot": ("user-x", _("Was asked and cannot now")),
    "consultation.schedule": ("calendar-clock", _("Appointment made")),
    "consultation.unschedule": ("calendar-clock", _("Appointment cancelled")),
    "booking.override": ("triangle-alert", _("Booked over others or outside the roster")),
    "booking.offer": ("calendar-clock", _("A free time was offered")),
    "booking.wait": ("hourglass", _("Waits for a free time")),
    "booking.conflict": ("triangle-alert", _("Off the roster at the booked time: the scheduler was told")),
    "booking.absence": ("alarm-clock", _("Not begun at the booked time: both sides were told")),
    "consultation.review": ("file-search", _("To be answered without a call")),
    "consultation.wait": ("hourglass", _("First person in the call")),
    "consultation.begin": ("video", _("Call began")),
    "consultation.interrupt": ("wifi-off", _("Call interrupted")),
    "consultation.end_session": ("phone-off", _("Session ended")),
    "consultation.sign": ("file-check", _("Opinion signed")),
    "consultation.sign_amendment": ("file-check", _("Amendment signed")),
    "consultation.decide": ("check-check", _("Decision recorded")),
    "consultation.follow_up": ("calendar-check", _("Follow-up started")),
    "consultation.close": ("archive", _("Closed")),
    "consultation.cancel": ("ban", _("Cancelled")),
    "consultation.call_off": ("ban", _("Called off")),
    "consultation.miss": ("user-x", _("Did not take place")),
    "consultation.expire": ("timer-off", _("Expired without an answer")),
    "consultation.refer": ("arrow-right-left", _("Patient transferred")),
    "clock.second": ("user-plus", _("Not answered: a second specialist was asked")),
    "clock.department": ("users", _("Not answered: the department was asked")),
    "clock.desk": ("bell-ring", _("Not answered: the scheduler was told")),
    "clock.late": ("alarm-clock", _("Late: both sides were told")),
    "consent.record": ("signature", _("Consent given")),
    "consent.withdraw": ("file-x", _("Consent withdrawn")),
    "recording.ask": ("circle-dot", _("Recording asked for")),
    "recording.start": ("circle-dot", _("Recording began")),
    "recording.stop": ("square", _("Recording ended")),
    "recording.delete": ("trash-2", _("Recording deleted")),
    "team.invite": ("user-plus", _("A specialist was invited to the team")),
    "team.join": ("users", _("Joined the team")),
    "team.decline": ("user-x", _("Declined to join the team")),
    "team.withdraw": ("user-x", _("Invitation to the team withdrawn")),
    "team.excuse": ("user-x", _("The team goes on without a member")),
    "team.hand_over": ("arrow-right-left", _("The chair of the team was handed over")),
    "opinion.sign": ("file-check", _("A member's opinion signed")),
    "report.put": ("send", _("Joint report put to the members")),
    "report.confirm": ("check-check", _("A member answered to the joint report")),
    "follow_up.plan": ("calendar-clock", _("Follow-up planned")),
    "follow_up.enter": ("calendar-check", _("Follow-up entered")),
    "outcome.record": ("check-check", _("Outcome recorded")),
    "opinion.amend": ("file-pen", _("Amendment opened")),
    "critical.say": ("siren", _("Critical finding told")),
    "critical.read_back": ("check", _("Critical finding read back")),
    "critical.send_back": ("undo-2", _("Read-back was not right")),
    "critical.confirm": ("check-check", _("Read-back confirmed")),
}


def clocks(consultation: Consultation) -> list[Clock]:
    """Those that ran, in their order, with what they took and how long they stood."""
    return list(Clock.objects.filter(consultation=consultation).order_by("pk"))


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    icon: str
    words: str | Promise
    by: str


def entries(consultation: Consultation) -> list[Entry]:
    """Newest first."""
    rows = list(AuditEntry.objects.filter(consultation=consultation.pk, action__in=WORDS).order_by("-seq"))
    people = {user.get_username(): user for user in User.objects.filter(username__in={row.actor for row in rows})}
    return [Entry(row.at, *WORDS[row.action], by=str(people[row.actor]) if row.actor in people else "") for row in rows]
