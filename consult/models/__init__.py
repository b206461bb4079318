"""Every noun of the workflow, one file each."""

from consult.models.access_key import AccessKey
from consult.models.aftercare import FollowUp, Outcome, Rating
from consult.models.alert import Alert, Delivery, PushSubscription, Reach
from consult.models.audit import AuditEntry, AuditHead
from consult.models.booking import BookedCell, Booking, Waiting
from consult.models.clock import Clock, ClockTable
from consult.models.consultation import Consultation, DayNumber, Participant, Urgency
from consult.models.critical import CriticalFinding
from consult.models.feed import RosterFeed
from consult.models.flag import Flag
from consult.models.holiday import Holiday
from consult.models.hospital import Agreement, Department, Hospital, Specialty
from consult.models.key_image import KeyImage
from consult.models.message import Message
from consult.models.move_reason import MoveReason
from consult.models.notification import Notification
from consult.models.opinion import Confirmation, Decision, Opinion, OpinionVersion
from consult.models.outbox import Beat, Job
from consult.models.patient import Consent, ConsentText, Patient
from consult.models.person import Licence, Role, User
from consult.models.plan import Change, Leave, Rule
from consult.models.publication import Cover, Publication
from consult.models.quality import CallQuality
from consult.models.recording import Recording, RecordingAnswer, RecordingFile, RecordingLog
from consult.models.referral import Letter, LetterSeal, Referral, ReferralStep
from consult.models.relay import Placement, Relay
from consult.models.report_template import ReportTemplate
from consult.models.roster import Shift
from consult.models.seal import Seal
from consult.models.search import SearchEntry
from consult.models.swap import Swap

__all__ = [
    "AccessKey",
    "Agreement",
    "Alert",
    "AuditEntry",
    "AuditHead",
    "Beat",
    "BookedCell",
    "Booking",
    "CallQuality",
    "Change",
    "Clock",
    "ClockTable",
    "Confirmation",
    "Consent",
    "ConsentText",
    "Consultation",
    "Cover",
    "CriticalFinding",
    "DayNumber",
    "Decision",
    "Delivery",
    "Department",
    "Flag",
    "FollowUp",
    "Holiday",
    "Hospital",
    "Job",
    "KeyImage",
    "Leave",
    "Letter",
    "LetterSeal",
    "Licence",
    "Message",
    "MoveReason",
    "Notification",
    "Opinion",
    "OpinionVersion",
    "Outcome",
    "Participant",
    "Patient",
    "Placement",
    "Publication",
    "PushSubscription",
    "Rating",
    "Reach",
    "Recording",
    "RecordingAnswer",
    "RecordingFile",
    "RecordingLog",
    "Referral",
    "ReferralStep",
    "Relay",
    "ReportTemplate",
    "Role",
    "RosterFeed",
    "Rule",
    "Seal",
    "SearchEntry",
    "Shift",
    "Specialty",
    "Swap",
    "Urgency",
    "User",
    "Waiting",
]
