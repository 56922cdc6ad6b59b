"""What the bodies of assets and sensors are handed: plain objects that know the settings and nothing of Dagster.

They connect when they are asked, never when they are made: importing the definitions touches no network.
"""

from __future__ import annotations

from dataclasses import dataclass

from sendgrid_orchestration.destinations.segment_views import create_views
from sendgrid_orchestration.landing.store import LandingStore, open_store
from sendgrid_orchestration.sendgrid.client import SendGridClient
from sendgrid_orchestration.settings import Settings, Source
from sendgrid_orchestration.warehouse.engine import connect, resolve_urls
from sendgrid_orchestration.warehouse.migrations import migrate


@dataclass(frozen=True)
class Warehouse:
    """The Postgres that the data goes to."""

    settings: Settings

    def url(self) -> str:
        """Its URL, password and all, after making sure that it runs: never for a log."""
        return resolve_urls(self.settings).warehouse.get_secret_value()

    def prepare(self, source: Source) -> str:
        """Create or upgrade the source's schemas, tables and Segment's views, and let the read-only role read them.

        Costs little where nothing is to be done.

        Returns:
            The URL.
        """
        url = self.url()
        with connect(url) as conn:
            migrate(conn, source, reader_role=self.settings.warehouse.reader_role)
            create_views(conn, source)
        return url


@dataclass(frozen=True)
class Landing:
    """Where the receiver puts posts."""

    settings: Settings

    def store(self) -> LandingStore:
        """The landing, for reading."""
        return open_store(self.settings.landing_url)


@dataclass(frozen=True)
class SendGrid:
    """SendGrid's API."""

    settings: Settings

    def client(self, source: Source) -> SendGridClient:
        """A conversation with one account; reads its key."""
        return SendGridClient.for_source(source)
