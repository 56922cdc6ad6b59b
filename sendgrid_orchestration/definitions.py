"""Assembles everything that Dagster loads, for every configured source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from sendgrid_orchestration import alerts
from sendgrid_orchestration.defs.alerts.sensors import failed_runs_sensor, failing_checks_sensor
from sendgrid_orchestration.defs.destinations.assets import destination_asset
from sendgrid_orchestration.defs.destinations.jobs import destination_job
from sendgrid_orchestration.defs.destinations.sensors import destinations_sensor
from sendgrid_orchestration.defs.events.assets import raw_events, webhook
from sendgrid_orchestration.defs.events.jobs import events_job
from sendgrid_orchestration.defs.events.sensors import landed_files_sensor
from sendgrid_orchestration.defs.forwards.assets import forward_asset
from sendgrid_orchestration.defs.forwards.jobs import forward_job
from sendgrid_orchestration.defs.forwards.sensors import forwards_sensor
from sendgrid_orchestration.defs.health.checks import health_checks
from sendgrid_orchestration.defs.health.sensors import health_sensor
from sendgrid_orchestration.defs.maintenance.jobs import maintenance_job
from sendgrid_orchestration.defs.maintenance.schedules import maintenance_schedule
from sendgrid_orchestration.defs.models.assets import model_assets
from sendgrid_orchestration.defs.models.fingerprints import fingerprints
from sendgrid_orchestration.defs.models.jobs import models_job
from sendgrid_orchestration.defs.models.project import PROJECT, manifest
from sendgrid_orchestration.defs.models.sensors import models_sensor
from sendgrid_orchestration.defs.models.translator import SourceTranslator, read_tables
from sendgrid_orchestration.defs.objects.assets import members_assets, object_assets
from sendgrid_orchestration.defs.objects.jobs import members_job, objects_job
from sendgrid_orchestration.defs.objects.schedules import members_schedule, objects_schedule
from sendgrid_orchestration.defs.partitions import daily
from sendgrid_orchestration.defs.resources import Landing, SendGrid, Warehouse
from sendgrid_orchestration.settings import Settings, Source, load_settings


def build_definitions(settings: Settings, overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """The definitions for these settings. Touches neither network nor database.

    Args:
        settings: which sources there are, and everything else.
        overrides: resources that take the place of the real ones, by name, for tests.
    """
    parsed = manifest()
    versions = fingerprints(parsed, PROJECT)
    resources = {
        "warehouse": Warehouse(settings),
        "landing": Landing(settings),
        "sendgrid": SendGrid(settings),
        **(overrides or {}),
    }
    parts = [
        *(_of_source(source, settings, parsed, versions) for source in settings.sources),
        *(_destinations(source, settings) for source in settings.sources if source.destinations),
        *(_forwards(source, settings) for source in settings.sources if source.forward),
        _shared(settings),
    ]
    # In one process also what people start in the UI: each further one would cost some seconds.
    whole = dg.Definitions(resources=resources, executor=dg.in_process_executor)
    return dg.Definitions.merge(*parts, whole)


def _of_source(
    source: Source, settings: Settings, parsed: Mapping[str, Any], versions: Mapping[str, str]
) -> dg.Definitions:
    translator = SourceTranslator(source, settings.owners, daily(settings.schedules.first_day), versions)
    models = model_assets(source, parsed, versions, translator, settings.data_dir / "dbt" / source.name)
    objects = object_assets(source, settings, list(models.specs))
    members = members_assets(source, settings, list(models.specs))
    events = raw_events(source, settings, list(models.specs))
    schedules = settings.schedules
    loaded = {key for asset in (events, *objects, *members) for key in asset.keys}
    apart = bool(schedules.members and members)
    return dg.Definitions(
        assets=[
            webhook(source, settings.owners),
            events,
            *objects,
            *members,
            *read_tables(translator, parsed, loaded),
            models,
        ],
        asset_checks=[health_checks(source, settings)],
        jobs=[
            events_job(source),
            objects_job(source, objects if apart else [*objects, *members]),
            *([members_job(source, members)] if apart else []),
            models_job(source, models),
        ],
        schedules=[
            objects_schedule(source, schedules),
            *([members_schedule(source, schedules)] if apart else []),
        ],
        sensors=[
            landed_files_sensor(source, schedules, settings.landing.seal_seconds),
            models_sensor(source, schedules, models),
        ],
    )


def _destinations(source: Source, settings: Settings) -> dg.Definitions:
    jobs = [destination_job(source, destination) for destination in source.destinations]
    return dg.Definitions(
        assets=[destination_asset(source, destination, settings) for destination in source.destinations],
        jobs=jobs,
        sensors=[destinations_sensor(source, settings.schedules, jobs)],
    )


def _forwards(source: Source, settings: Settings) -> dg.Definitions:
    jobs = [forward_job(source, forward) for forward in source.forward]
    return dg.Definitions(
        assets=[forward_asset(source, forward, settings) for forward in source.forward],
        jobs=jobs,
        sensors=[forwards_sensor(source, settings.schedules, jobs)],
    )


def _shared(settings: Settings) -> dg.Definitions:
    tell = [failed_runs_sensor(settings.alerts), failing_checks_sensor(settings.alerts)]
    return dg.Definitions(
        jobs=[
            maintenance_job(
                settings.sources, settings.schedules.keep_runs_days, settings.landing.archive_days
            )
        ],
        schedules=[maintenance_schedule(settings.schedules)],
        sensors=[health_sensor(settings), *(tell if alerts.is_configured(settings.alerts) else [])],
    )


defs = build_definitions(load_settings())
