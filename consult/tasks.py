"""The bell: what Celery calls. Tasks carry no data and may run twice; the rows say what is due."""

from celery import shared_task

from consult.services import (  # noqa: F401  (they register handlers)
    booking,
    escalation,
    notification,
    outbox,
    recording_files,
    seal,
    search,
)


@shared_task(name=outbox.TASK, ignore_result=True)
def run_due() -> int:
    """Run due jobs and what the schedule says; called after commits and every ten seconds."""
    outbox.beat_once()
    return outbox.sweep()
