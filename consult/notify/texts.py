"""What each kind of news says. No patient data: the number of the consultation at most."""

from django.utils.translation import gettext_lazy as _

TEXTS = {
    "submitted": _("New request %(number)s waits for triage"),
    "triage": _("Request %(number)s is being reviewed"),
    "returned": _("Request %(number)s was returned; see the reason and submit again"),
    "needs_info": _("More information is wanted for %(number)s"),
    "supplied": _("The missing information for %(number)s has arrived"),
    "offered": _("You are asked to take consultation %(number)s"),
    "offered_department": _("Consultation %(number)s was offered to your department"),
    "offered_asker": _("Request %(number)s was offered to a specialist"),
    "withdrawn": _("Consultation %(number)s was given to somebody else"),
    "reading": _("%(number)s waits to be read at your desk"),
    "reading_asker": _("The images of %(number)s are with a reading desk"),
    "accepted": _("A specialist accepted consultation %(number)s"),
    "declined": _("The specialist declined consultation %(number)s"),
    "scheduled": _("Consultation %(number)s has an appointment"),
    "review": _("Consultation %(number)s will be answered without a call"),
    "waiting": _("Somebody waits for you in the call of %(number)s"),
    "opinion_due": _("The call of %(number)s has ended; the opinion is due"),
    "signed": _("The opinion on %(number)s is signed"),
    "amended": _("The opinion on %(number)s was amended; please decide again"),
    "decided": _("The asking side recorded its decision on %(number)s"),
    "follow_up": _("Follow-up of %(number)s has started"),
    "closed": _("Consultation %(number)s is closed"),
    "cancelled": _("Consultation %(number)s was cancelled"),
    "no_show": _("Consultation %(number)s did not take place: somebody did not come"),
    "expired": _("Request %(number)s expired without an answer"),
    "referred": _("The patient of %(number)s is being transferred"),
    "consent_withdrawn": _("The consent for %(number)s was withdrawn"),
    "chain_second": _("Nobody has answered %(number)s yet: can you take it?"),
    "chain_department": _("Nobody has answered %(number)s yet: your department is asked"),
    "chain_desk": _("Nobody has accepted %(number)s in time: assign it anew"),
    "late_triage": _("The triage of %(number)s is late"),
    "late_accept": _("No specialist has answered %(number)s in time"),
    "late_session": _("The call of %(number)s is late"),
    "late_answer": _("The written answer to %(number)s is late"),
    "late_opinion": _("The opinion on %(number)s is late"),
    "invited": _("You are asked, with others, to take consultation %(number)s"),
    "urged": _("The scheduler urges you: %(number)s waits for you"),
    "unheard": _("Nobody has acknowledged an alert of %(number)s"),
    "critical": _("Critical finding in %(number)s: read it back now"),
    "critical_read": _("The critical finding of %(number)s was read back: say whether it is right"),
    "critical_wrong": _("The critical finding of %(number)s was not understood: read it again"),
    "critical_late": _("Nobody has read back the critical finding of %(number)s"),
    "seal_missing": _("The opinion on %(number)s carries no certificate signature: see to the hospital's certificate"),
    "seal_ending": _("A hospital's certificate ends within 30 days: see the page of certificates"),
    "message": _("New message in %(number)s"),
}


def text(kind: str, number: str) -> str:
    """The line a person reads, in the language of the moment."""
    return str(TEXTS[kind]) % {"number": number}
