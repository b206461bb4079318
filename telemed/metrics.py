"""Figures of the installation for Prometheus: of this process, and of the rows all processes share. No person in any.

Every process answers for itself (docs/operations.md): scrape each. What comes from rows is the same from all.
"""

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Min, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from consult.live.socket import open_sockets
from consult.models import Beat, Job, Placement, Relay
from consult.services import relay as relays
from telemed.models import Beacon

MOST_RELAYS = 200
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

registry = CollectorRegistry()
requests = Histogram(
    "telemed_request_seconds",
    "Time to answer a request, by the name of its view",
    ["method", "view", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=registry,
)


def durations(get_response: Any) -> Any:
    """Middleware that times every request."""

    def timed(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response: HttpResponse = get_response(request)
        _observe(request, response, time.perf_counter() - began)
        return response

    return timed


def _observe(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Labels are bounded: names of views, never addresses; classes of status, not codes."""
    match = request.resolver_match
    view = (match.view_name or "unnamed") if match else "none"
    method = request.method if request.method in METHODS else "other"
    requests.labels(method, view, f"{response.status_code // 100}xx").observe(seconds)


class Rows(Collector):
    """What the database knows, read when asked."""

    def collect(self) -> Iterable[Metric]:
        now = timezone.now()
        yield from self._relays(now)
        yield from self._jobs(now)
        yield _gauge("rooms", "Rooms with people", Placement.objects.exclude(peers=[]).count())
        sockets = GaugeMetricFamily("telemed_sockets", "WebSockets of people in this process", labels=["kind"])
        for name, count in open_sockets.items():
            sockets.add_metric([name], count)
        yield sockets

    def _relays(self, now: datetime) -> Iterable[Metric]:
        texts = {
            "rooms": "Rooms on the relay",
            "participants": "People on the relay",
            "capacity": "People the relay accepts",
            "load": "CPU share of one core",
        }
        rows = list(Relay.objects.values("name", *texts)[:MOST_RELAYS])
        for field, text in texts.items():
            family = GaugeMetricFamily(f"telemed_relays_{field}", text, labels=["relay"])
            for row in rows:
                family.add_metric([row["name"]], row[field])
            yield family
        living = relays.live(now)
        taking = living.filter(busy=False, draining=False, leaving=False, participants__lt=F("capacity"))
        yield _gauge("relays_live", "Relays with a link that reported lately", living.count())
        yield _gauge("relays_taking", "Relays that take new rooms", taking.count())

    def _jobs(self, now: datetime) -> Iterable[Metric]:
        waiting = Q(done_at=None, failed_at=None)
        found = Job.objects.aggregate(
            open=Count("pk", filter=waiting),
            due=Count("pk", filter=waiting & Q(due_at__lte=now)),
            failed=Count("pk", filter=~Q(failed_at=None)),
            oldest=Min("due_at", filter=waiting),
        )
        yield _gauge("outbox_open", "Jobs not done yet, those of later too", found["open"])
        yield _gauge("outbox_due", "Jobs that should be done by now", found["due"])
        yield _gauge("outbox_failed", "Jobs given up", found["failed"])
        yield _gauge("outbox_late_seconds", "How long the oldest due job waits", _since(found["oldest"], now))
        worker = Beacon.objects.filter(name="worker").aggregate(at=Max("seen_at"))["at"]
        if worker is not None:
            yield _gauge("worker_silent_seconds", "Since the worker's last sign of life", _since(worker, now))
        late = GaugeMetricFamily("telemed_task_late_seconds", "How late each regular task is", labels=["task"])
        for name, due_at in Beat.objects.values_list("name", "due_at"):
            late.add_metric([name], _since(due_at, now))
        yield late


def _since(moment: datetime | None, now: datetime) -> float:
    return max((now - moment).total_seconds(), 0.0) if moment else 0.0


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"telemed_{name}", text, value)


registry.register(Rows())
ProcessCollector("telemed_site", registry=registry)


def exposition() -> tuple[bytes, str]:
    """Everything now, and its content type."""
    return generate_latest(registry), CONTENT_TYPE_LATEST
