"""Every noun of the workflow, one file each."""

from consult.models.audit import AuditEntry
from consult.models.consultation import Consultation, Participant, Urgency
from consult.models.hospital import Agreement, Department, Hospital, Specialty
from consult.models.message import Message
from consult.models.notification import Notification
from consult.models.opinion import Decision, Opinion, OpinionVersion
from consult.models.outbox import Job
from consult.models.patient import Consent, ConsentText, Patient
from consult.models.person import Licence, Role, User
from consult.models.relay import Placement, Relay

__all__ = [
    "Agreement",
    "AuditEntry",
    "Consent",
    "ConsentText",
    "Consultation",
    "Decision",
    "Department",
    "Hospital",
    "Job",
    "Licence",
    "Message",
    "Notification",
    "Opinion",
    "OpinionVersion",
    "Participant",
    "Patient",
    "Placement",
    "Relay",
    "Role",
    "Specialty",
    "Urgency",
    "User",
]
