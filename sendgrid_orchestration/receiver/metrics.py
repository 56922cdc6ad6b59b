"""What the receiver counts, in Prometheus's words. docs/operate-receiver.md says what to watch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FSYNC_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Sealed files of one source that wait somewhere."""

    files: int = 0
    bytes: int = 0
    oldest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LandingState:
    """What the keeper saw when it last looked."""

    free_bytes: float = 0.0
    landing: dict[str, Waiting] = field(default_factory=dict)
    spool: dict[str, Waiting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counters at one moment."""

    posts: Mapping[str, int] = field(default_factory=dict)
    """Posts acknowledged, by source."""
    refused: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Requests refused, by source and reason."""


class Metrics:
    """The receiver's counters. With several worker processes they are summed over all of them."""

    def __init__(self, landing_state: Callable[[], LandingState]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter, of no use here
        registry = CollectorRegistry()
        self.posts = Counter(
            "sendgrid_receiver_posts", "Posts acknowledged, that is: durable.", ["source"], registry=registry
        )
        self.events = Counter(
            "sendgrid_receiver_events", "Events in acknowledged posts.", ["source"], registry=registry
        )
        self.bytes = Counter(
            "sendgrid_receiver_bytes", "Bytes of acknowledged posts' bodies.", ["source"], registry=registry
        )
        self.refused = Counter(
            "sendgrid_receiver_refused",
            "Requests refused, by reason; the source is empty where the URL names none.",
            ["source", "reason"],
            registry=registry,
        )
        self.fsync = Histogram(
            "sendgrid_receiver_fsync_seconds",
            "Time to write and synchronise one group of posts.",
            buckets=_FSYNC_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "sendgrid_receiver_in_flight_bytes",
            "Bytes of bodies that are being read, checked or written.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.uploads = Counter(
            "sendgrid_landing_uploads", "Landed files uploaded to the object store.", registry=registry
        )
        self.uploaded_bytes = Counter("sendgrid_landing_uploaded_bytes", "Bytes of these.", registry=registry)
        self.upload_failures = Counter(
            "sendgrid_landing_upload_failures", "Attempts to upload that failed.", registry=registry
        )
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(_LandingCollector(landing_state))
        self._registry = registry

    def totals(self) -> Totals:
        """Posts acknowledged and refused since the receiver started, over all its workers."""
        posts: dict[str, int] = {}
        refused: dict[tuple[str, str], int] = {}
        for metric in self._registry.collect():
            for sample in metric.samples:
                if sample.name == "sendgrid_receiver_posts_total":
                    posts[sample.labels["source"]] = int(sample.value)
                elif sample.name == "sendgrid_receiver_refused_total":
                    refused[sample.labels["source"], sample.labels["reason"]] = int(sample.value)
        return Totals(posts, refused)

    def exposition(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)


class _LandingCollector(Collector):
    """Gauges that are the same in every process, because all look at the same folders."""

    def __init__(self, state: Callable[[], LandingState]) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        state = self._state()
        yield GaugeMetricFamily(
            "sendgrid_landing_free_bytes", "Room on the disk that posts are written to.", state.free_bytes
        )
        for place, waiting in (("landing", state.landing), ("spool", state.spool)):
            files = GaugeMetricFamily(
                f"sendgrid_{place}_waiting_files",
                f"Sealed files that wait in the {place}.",
                labels=["source"],
            )
            size = GaugeMetricFamily(f"sendgrid_{place}_waiting_bytes", "Bytes of these.", labels=["source"])
            age = GaugeMetricFamily(
                f"sendgrid_{place}_oldest_waiting_seconds", "Age of the oldest of these.", labels=["source"]
            )
            for source, seen in waiting.items():
                files.add_metric([source], seen.files)
                size.add_metric([source], seen.bytes)
                age.add_metric([source], seen.oldest_seconds)
            yield from (files, size, age)
