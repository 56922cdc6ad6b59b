"""The asset checks of one source's health: `health` finds, this module says where Dagster shows it."""

import logging
from collections.abc import Iterable, Iterator, Mapping

import dagster as dg
from dagster import AssetCheckEvaluation

from sendgrid_orchestration.defs.resources import Landing, Warehouse
from sendgrid_orchestration.health import CHECKS, Finding, source_findings
from sendgrid_orchestration.health.findings import CheckName
from sendgrid_orchestration.load import ledger
from sendgrid_orchestration.load.verification import verify_archive
from sendgrid_orchestration.receiver import access
from sendgrid_orchestration.settings import Settings, Source
from sendgrid_orchestration.warehouse.engine import connect

logger = logging.getLogger(__name__)

VERIFY_BYTES = 8 * 1024 * 1024
"""What each minute reads of the archive: about 11 GB a day."""

SHOWN_AT: Mapping[CheckName, tuple[str, ...]] = {
    "receiver_is_up": ("webhook",),
    "posts_are_accepted": ("webhook",),
    "events_arrive": ("webhook",),
    "files_are_loaded": ("raw", "events"),
    "archive_is_intact": ("raw", "events"),
    "models_follow_loads": ("activity",),
}
"""The asset, after the source's name, at which a check is shown."""


def health_checks(source: Source, settings: Settings) -> dg.AssetChecksDefinition:
    """The checks of one source. A sensor evaluates them every minute; people can also run them in the UI."""
    specs = [
        dg.AssetCheckSpec(name, asset=_asset(source, name), description=description)
        for name, description in CHECKS.items()
    ]

    @dg.multi_asset_check(name=f"{source.name}__health", specs=specs, can_subset=True)
    def health(
        context: dg.AssetCheckExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        landing: dg.ResourceParam[Landing],
    ) -> Iterator[dg.AssetCheckResult]:
        for finding in find(source, settings, warehouse, landing):
            if (
                dg.AssetCheckKey(_asset(source, finding.check), finding.check)
                not in context.selected_asset_check_keys
            ):
                continue
            yield dg.AssetCheckResult(
                asset_key=_asset(source, finding.check),
                check_name=finding.check,
                passed=finding.healthy,
                description=_description(finding),
                metadata=finding.metadata,
            )

    return health


def health_selection(source: Source) -> dg.AssetSelection:
    """The checks, to take out of a job's selection: a sensor evaluates them, and a step for them would cost seconds."""
    return dg.AssetSelection.checks(*(dg.AssetCheckKey(_asset(source, name), name) for name in CHECKS))


def find(source: Source, settings: Settings, warehouse: Warehouse, landing: Landing) -> list[Finding]:
    """Every finding for a source, now; if the warehouse or the landing cannot be read, that is what each one says."""
    try:
        with connect(warehouse.url()) as conn:
            return source_findings(
                conn,
                landing.store(),
                source,
                settings.checks,
                is_connected=access.is_connected(settings, source),
            )
    except Exception as error:  # each file system has errors of its own
        sentence = f"It cannot be checked: {error}"
        return [Finding(name, source.name, healthy=False, sentence=sentence) for name in CHECKS]


def verify_some(source: Source, warehouse: Warehouse, landing: Landing) -> None:
    """Compare a few archived files with the ledger, the longest unverified first; what is wrong is in the ledger then."""
    try:
        with connect(warehouse.url()) as conn:
            if ledger.max_load_id(conn, source.raw_schema):
                conn.rollback()
                verify_archive(
                    conn, landing.store(), source, max_files=20, max_bytes=VERIFY_BYTES, max_seconds=1.0
                )
    except Exception as error:  # each file system has errors of its own
        logger.warning("The archive of source %s cannot be verified: %s", source.name, error)


def evaluations(findings: Iterable[Finding], source: Source) -> list[AssetCheckEvaluation]:
    """Findings as Dagster records them outside a run."""
    return [
        AssetCheckEvaluation(
            asset_key=_asset(source, finding.check),
            check_name=finding.check,
            passed=finding.healthy,
            description=_description(finding),
            metadata=finding.metadata,
        )
        for finding in findings
    ]


def _asset(source: Source, name: CheckName) -> dg.AssetKey:
    return dg.AssetKey([source.name, *SHOWN_AT[name]])


def _description(finding: Finding) -> str:
    return f"{finding.sentence} {finding.remedy}".strip()
