"""What Dagster wants to know of a run that a test writes into its records."""

from __future__ import annotations

from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin


def origin_of(job: str) -> RemoteJobOrigin:
    """Where a code server would find the job: a run cannot be queued without."""
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(), location_name="here")
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job)
