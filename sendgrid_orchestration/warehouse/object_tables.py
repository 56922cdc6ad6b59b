"""What the tables of SendGrid's objects are: every column with its type and the field that it comes from.

One declaration serves the DDL, the comments in the database, docs/tables.md and the sync. Nothing here opens a connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sendgrid_orchestration.warehouse.bounded_text import LONGEST_BYTES, bounded


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: in Postgres.
        type: Postgres's name of it.
        field: where SendGrid has the value: a key, keys joined by dots, or alternatives joined by ` | `. Empty where the value
            is ours.
        note: what a reader should know beyond the name.
    """

    name: str
    type: str
    field: str = ""
    note: str = ""
    nullable: bool = True

    @property
    def comment(self) -> str:
        """What the database says about it."""
        origin = f"SendGrid: {self.field}." if self.field else ""
        return f"{origin} {self.note}".strip()


BOOKKEEPING = (
    Column("first_seen_at", "timestamptz", note="The sync that first saw it.", nullable=False),
    Column(
        "synced_at",
        "timestamptz",
        note="The sync that brought this content; unchanged rows are not rewritten.",
        nullable=False,
    ),
    Column(
        "deleted_at",
        "timestamptz",
        note="The sync whose complete read no longer had it; null while it exists.",
    ),
    Column("content_hash", "bigint", note="Fingerprint of what SendGrid said, to find changes."),
)

EXTRA = Column("extra", "jsonb", note="Fields of SendGrid's answer that have no column of their own.")


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        grain: one sentence: what a row is.
        key: the columns that make a row the same row.
        keeps_history: replaced versions go to `object_history`.
        mirrored: has the bookkeeping columns and is filled by the upsert.
        indexes: statements beyond the primary key; `{table}` is the table.
        fill: percent of a page that a first load fills; the rest takes new versions of its rows, and spares the index.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)
    keeps_history: bool = True
    mirrored: bool = True
    indexes: tuple[str, ...] = ()
    fill: int = 100

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Everything, in the order of the table."""
        return (*self.columns, *BOOKKEEPING) if self.mirrored else self.columns

    def bounded_key(self, name: str, value: Any) -> Any:
        """A value of a column as it is stored: texts of the key are cut so that all of them fit into one index entry."""
        if name not in self.key or not isinstance(value, str):
            return value
        texts = sum(column.type == "text" for column in self.columns if column.name in self.key)
        return bounded(value, min(LONGEST_BYTES, 2 * LONGEST_BYTES // texts))


def _text(name: str, field: str | None = None, note: str = "") -> Column:
    return Column(name, "text", name if field is None else field, note)


def _time(name: str, field: str | None = None, note: str = "") -> Column:
    return Column(name, "timestamptz", name if field is None else field, note)


def _counts(prefix: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "bigint", f"{prefix}{name}") for name in names)


MARKETING_METRICS = (
    "requests", "delivered", "bounces", "bounce_drops", "invalid_emails", "opens", "unique_opens", "clicks",
    "unique_clicks", "spam_reports", "spam_report_drops", "unsubscribes",
)  # fmt: skip

_MAIL_METRICS = (
    "blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens", "processed",
    "requests", "spam_report_drops", "spam_reports", "unique_clicks", "unique_opens", "unsubscribe_drops", "unsubscribes",
)  # fmt: skip


_PROVIDER_METRICS = (
    "blocks", "bounces", "clicks", "deferred", "delivered", "drops", "opens", "processed", "requests", "spam_reports",
    "unique_clicks", "unique_opens",
)  # fmt: skip

_OPENS = ("opens", "unique_opens")

_CLICKS = ("clicks", "unique_clicks")


def _daily(name: str, grain: str, parts: tuple[Column, ...], metrics: tuple[str, ...]) -> Table:
    """Statistics by day and, where there are `parts`, by these. They are counters already, so they keep no history."""
    day = Column("date", "date", "date", "The account's day: SendGrid counts in the account's time zone.")
    return Table(
        name,
        grain,
        (day, *parts, *_counts("stats.metrics.", *metrics), EXTRA),
        key=("date", *(part.name for part in parts)),
        keeps_history=False,
    )


def _suppression(name: str, grain: str, *more: Column) -> Table:
    columns = (_text("email"), _time("created_at", "created", "When it was put on the list."), *more, EXTRA)
    return Table(name, grain, columns, key=("email",))


def _members(name: str, group: str, grain: str) -> Table:
    return Table(
        name,
        grain,
        (
            Column(f"{group}_id", "text", "id of the export's list or segment"),
            Column("contact_id", "text", "CONTACT_ID | id", "Joins recipients.id."),
            Column("valid_from", "timestamptz", note="The sync that first found it there.", nullable=False),
            Column(
                "valid_to",
                "timestamptz",
                note="The sync whose complete read no longer found it there; null while it is there.",
            ),
        ),
        key=(f"{group}_id", "contact_id", "valid_from"),
        keeps_history=False,
        mirrored=False,
        indexes=(
            f"create unique index {name}_now on {{table}} ({group}_id, contact_id) where valid_to is null",
            f"create index {name}_contact on {{table}} (contact_id)",
        ),
    )


def _links(name: str, mailing: Column, parts: tuple[Column, ...], grain: str) -> Table:
    """Clicks by link. The key holds a digest of the URL, because a URL may be longer than an index takes."""
    return Table(
        name,
        grain,
        (
            mailing,
            *parts,
            Column(
                "url_location",
                "bigint",
                "url_location",
                "Its place in the message, from 0 at the top; -1 where SendGrid names none.",
            ),
            Column("url_md5", "text", note="md5(url), which stands in the key for it."),
            _text("url", note="As in the message; custom fields stand in it as {{name}}."),
            Column("clicks", "bigint", "clicks"),
            Column(
                "total_clicks",
                "bigint",
                "stats.clicks",
                "Clicks of the whole mailing by its statistics, when its links were read: they are read again when these change.",
            ),
            EXTRA,
        ),
        key=(mailing.name, *(part.name for part in parts), "url_location", "url_md5"),
        keeps_history=False,
    )


_TABLES = (
    Table(
        "lists",
        "One row per contact list of the account, as SendGrid last described it.",
        (
            _text("id"),
            _text("name"),
            Column(
                "recipient_count", "bigint", "contact_count | recipient_count", "How many contacts it has."
            ),
            EXTRA,
        ),
    ),
    Table(
        "segments",
        "One row per segment of the account (2.0, 1.0 or legacy), as SendGrid last described it.",
        (
            _text("id"),
            _text("name"),
            Column(
                "recipient_count",
                "bigint",
                "contacts_count | recipient_count",
                "How many contacts it has; SendGrid's count may lag by up to a day.",
            ),
            _text(
                "list_id",
                "parent_list_id | list_id",
                "The list that it is a slice of; with 2.0, the only one of parent_list_ids.",
            ),
            Column(
                "parent_list_ids",
                "text[]",
                "parent_list_ids",
                "The lists that it is a slice of; null: of all contacts.",
            ),
            _text(
                "conditions",
                "query_dsl | conditions",
                "What selects the contacts: a query, or JSON in legacy.",
            ),
            _text("query_dsl", "query_dsl", "The query of a 2.0 or 1.0 segment."),
            _text("query_version", "query_version", "2, 1 or legacy."),
            _text("status", "status.query_validation", "PENDING, VALID or INVALID."),
            _text("status_message", "status.error_message"),
            _time("created_at"),
            _time("updated_at"),
            _time("sample_updated_at", note="When SendGrid last counted."),
            _time("next_sample_update"),
            EXTRA,
        ),
    ),
    Table(
        "recipients",
        "One row per contact of the account. Custom fields follow as typed columns named after the field.",
        (
            _text("id", "CONTACT_ID | id"),
            _text("email", "EMAIL | email"),
            _text("alternate_emails", "ALTERNATE_EMAILS", "As exported: separated by commas."),
            _text("first_name", "FIRST_NAME | first_name"),
            _text("last_name", "LAST_NAME | last_name"),
            _text("unique_name", "UNIQUE_NAME"),
            _text("phone_number", "PHONE_NUMBER"),
            _text("phone_number_id", "PHONE_NUMBER_ID"),
            _text("external_id", "EXTERNAL_ID"),
            _text("anonymous_id", "ANONYMOUS_ID"),
            _text("whatsapp", "WHATSAPP"),
            _text("line", "LINE"),
            _text("facebook", "FACEBOOK"),
            _text("address_line_1", "ADDRESS_LINE_1"),
            _text("address_line_2", "ADDRESS_LINE_2"),
            _text("city", "CITY"),
            _text("state_province_region", "STATE_PROVINCE_REGION"),
            _text("postal_code", "POSTAL_CODE"),
            _text("country", "COUNTRY"),
            _time("created_at", "CREATED_AT | created_at"),
            _time("updated_at", "UPDATED_AT | updated_at"),
            _time(
                "last_emailed", "LAST_EMAILED | last_emailed", "Legacy only; the new export does not have it."
            ),
            _time(
                "last_opened", "LAST_OPENED | last_opened", "Legacy only; the new export does not have it."
            ),
            _time(
                "last_clicked", "LAST_CLICKED | last_clicked", "Legacy only; the new export does not have it."
            ),
            Column(
                "custom_fields",
                "jsonb",
                "any other column of the export",
                "Only values without a typed column, by their name; null for most. Fields not defined yet, values that do not fit "
                "their field's type. A defined field is a column of its own, and not in here.",
            ),
        ),
        fill=90,
    ),
    Table(
        "field_definitions",
        "One row per field that a contact can have: the account's custom fields and SendGrid's reserved ones.",
        (
            _text("id"),
            _text("name"),
            _text("field_type", "field_type | type", "Text, Number or Date."),
            Column("is_reserved", "boolean", note="True for SendGrid's own fields, false for custom ones."),
            Column("is_read_only", "boolean", "read_only"),
            EXTRA,
        ),
    ),
    Table(
        "campaigns",
        "One row per campaign: single sends and automations by name where the account offers that list, else legacy campaigns.",
        (
            _text("id"),
            _text("name", "name | title"),
            _text("status"),
            Column("channels", "jsonb", "channels"),
            Column("is_abtest", "boolean", "is_abtest"),
            _text("subject", note="Legacy."),
            Column("list_ids", "text[]", "list_ids", "Legacy."),
            Column("segment_ids", "text[]", "segment_ids", "Legacy."),
            Column("categories", "text[]", "categories", "Legacy."),
            _text("editor", note="Legacy."),
            _time("created_at"),
            _time("updated_at"),
            EXTRA,
        ),
    ),
    Table(
        "single_sends",
        "One row per single send, with whom it goes to and what it says.",
        (
            _text("id"),
            _text("name"),
            _text("status", note="draft, scheduled or triggered."),
            Column("categories", "text[]", "categories"),
            _time("send_at"),
            Column("is_abtest", "boolean", "is_abtest"),
            Column("abtest", "jsonb", "abtest"),
            _text("subject", "email_config.subject"),
            Column("list_ids", "text[]", "send_to.list_ids"),
            Column("segment_ids", "text[]", "send_to.segment_ids"),
            Column("sends_to_all", "boolean", "send_to.all"),
            Column("suppression_group_id", "bigint", "email_config.suppression_group_id"),
            Column("sender_id", "bigint", "email_config.sender_id"),
            Column("email_config", "jsonb", "email_config"),
            Column("warnings", "jsonb", "warnings"),
            _time("created_at"),
            _time("updated_at"),
            EXTRA,
        ),
    ),
    Table(
        "single_send_stats",
        "One row per single send, A/B variation and phase, and day or total: days of all variations together, totals of each.",
        (
            _text("single_send_id", "id"),
            _text(
                "ab_variation",
                note="`all`, or the variation's id: sums are over one or the other, never over both.",
            ),
            _text("ab_phase", note="send, test or all."),
            _text("aggregation", note="`total`, or the day as YYYY-MM-DD."),
            Column("date", "date", "aggregation", "The day; null for the total."),
            *_counts("stats.", *MARKETING_METRICS),
            EXTRA,
        ),
        key=("single_send_id", "ab_variation", "ab_phase", "aggregation"),
        keeps_history=False,
    ),
    Table(
        "automation_stats",
        "One row per automation, step, and day or total: days of all steps together, totals of each.",
        (
            _text("automation_id", "id"),
            _text(
                "step_id", note="`all`, or the step's id: sums are over one or the other, never over both."
            ),
            _text("aggregation", note="`total`, or the day as YYYY-MM-DD."),
            Column("date", "date", "aggregation", "The day; null for the total."),
            *_counts("stats.", *MARKETING_METRICS),
            EXTRA,
        ),
        key=("automation_id", "step_id", "aggregation"),
        keeps_history=False,
    ),
    _links(
        "single_send_links",
        _text("single_send_id", "id"),
        (
            _text("ab_variation", note="The variation's id; `all` for a single send without a test."),
            _text("ab_phase", note="send or test; `all` for a single send without a test."),
        ),
        "One row per single send, A/B variation and phase, and link that was clicked; the rows add up to all clicks.",
    ),
    _links(
        "automation_links",
        _text("automation_id", "id"),
        (_text("step_id"),),
        "One row per automation, step, and link that was clicked; the rows add up to all clicks.",
    ),
    Table(
        "senders",
        "One row per sender that marketing mail may come from.",
        (
            Column("id", "bigint", "id", "Joins single_sends.sender_id."),
            _text("nickname"),
            _text("from_email", "from.email"),
            _text("from_name", "from.name"),
            _text("reply_to_email", "reply_to.email"),
            _text("reply_to_name", "reply_to.name"),
            _text("address"),
            _text("address_2"),
            _text("city"),
            _text("state"),
            _text("zip"),
            _text("country"),
            Column(
                "is_verified", "boolean", "verified.status | verified", "Only then mail may come from it."
            ),
            _text(
                "verification_reason", "verified.reason", "Why it is not verified, where SendGrid says so."
            ),
            Column("is_locked", "boolean", "locked", "A campaign uses it: it cannot be changed or deleted."),
            _time("created_at"),
            _time("updated_at"),
            EXTRA,
        ),
    ),
    Table(
        "verified_senders",
        "One row per sender identity of Single Sender Verification, verified or not.",
        (
            Column("id", "bigint", "id", "No id of `senders`, as far as SendGrid documents."),
            _text("nickname"),
            _text("from_email"),
            _text("from_name"),
            _text("reply_to_email", "reply_to"),
            _text("reply_to_name"),
            _text("address"),
            _text("address_2", "address2"),
            _text("city"),
            _text("state"),
            _text("zip"),
            _text("country"),
            Column("is_verified", "boolean", "verified", "Only then mail may come from it."),
            Column("is_locked", "boolean", "locked", "It cannot be changed or deleted."),
            EXTRA,
        ),
    ),
    Table(
        "unsubscribe_groups",
        "One row per unsubscribe group (ASM group).",
        (
            Column("id", "bigint", "id"),
            _text("name"),
            _text("description"),
            Column("is_default", "boolean", "is_default"),
            Column("unsubscribes", "bigint", "unsubscribes", "How many addresses it suppresses."),
            _time("last_email_sent_at", note="No longer sent by SendGrid since February 2025."),
            EXTRA,
        ),
    ),
    Table(
        "unsubscribe_group_members",
        "One row per unsubscribe group and address that it suppresses.",
        (
            Column("group_id", "bigint", "group_id"),
            _text("email"),
            _text("group_name"),
            _time("created_at", "created_at | created"),
            EXTRA,
        ),
        key=("group_id", "email"),
    ),
    _suppression(
        "bounces",
        "One row per address on the bounce list.",
        _text("reason"),
        _text("status", note="Enhanced status code, such as 5.1.1."),
    ),
    _suppression("blocks", "One row per address on the block list.", _text("reason"), _text("status")),
    _suppression("invalid_emails", "One row per address on the list of invalid addresses.", _text("reason")),
    _suppression("spam_reports", "One row per address that reported spam.", _text("ip")),
    _suppression("global_unsubscribes", "One row per address that unsubscribed from everything."),
    Table(
        "templates",
        "One row per mail template, legacy and dynamic, with its versions.",
        (
            _text("id"),
            _text("name"),
            _text("generation", note="legacy or dynamic."),
            _time("updated_at"),
            Column("versions", "jsonb", "versions", "Without their content, as the list gives them."),
            EXTRA,
        ),
    ),
    Table(
        "categories",
        "One row per category that mail was sent under.",
        (_text("name", "category"), EXTRA),
        key=("name",),
    ),
    _daily(
        "daily_stats",
        "One row per day of the account, as SendGrid counts it; the last thirty days are read again at every sync.",
        (),
        _MAIL_METRICS,
    ),
    _daily(
        "category_stats",
        "One row per day and category with any mail, as SendGrid counts it; mail in two categories counts in both.",
        (_text("category", "stats.name"),),
        _MAIL_METRICS,
    ),
    _daily(
        "mailbox_provider_stats",
        "One row per day and mailbox provider of the recipients, as SendGrid counts it.",
        (_text("mailbox_provider", "stats.name", "SendGrid's name of it."),),
        _PROVIDER_METRICS,
    ),
    _daily(
        "device_stats",
        "One row per day and type of device that mail was opened on, as SendGrid counts it.",
        (_text("device", "stats.name", "Desktop, Webmail, Phone, Tablet or Other."),),
        _OPENS,
    ),
    _daily(
        "client_stats",
        "One row per day and mail client that mail was opened with, as SendGrid counts it.",
        (_text("client", "stats.name", "SendGrid's name of it."),),
        _OPENS,
    ),
    _daily(
        "browser_stats",
        "One row per day and browser that links were clicked with, as SendGrid counts it.",
        (_text("browser", "stats.name", "SendGrid's name of it."),),
        _CLICKS,
    ),
    _daily(
        "geo_stats",
        "One row per day, country and province that mail was opened or clicked in, as SendGrid counts it.",
        (
            Column("country", "text", note="SendGrid: stats.name of a country. Its code, such as US."),
            Column(
                "province",
                "text",
                note="SendGrid: stats.name of a province. A state or province of the US or Canada, or `all` for a country as a "
                "whole: sums are over one or the other, never over both.",
            ),
        ),
        (*_CLICKS, *_OPENS),
    ),
    Table(
        "subusers",
        "One row per subuser of the account.",
        (
            Column("id", "bigint", "id"),
            _text("username"),
            _text("email"),
            Column("is_disabled", "boolean", "disabled"),
            _text("region", note="global, or eu where its mail is pinned to the EU."),
            EXTRA,
        ),
    ),
    _daily(
        "subuser_stats",
        "One row per day and subuser with any mail, as SendGrid counts it.",
        (_text("subuser", "stats.name", "Joins subusers.username."),),
        _MAIL_METRICS,
    ),
    _members(
        "list_members",
        "list",
        "One row per list, contact and stretch of time in which the list had the contact.",
    ),
    _members(
        "segment_members",
        "segment",
        "One row per segment, contact and stretch of time in which the segment had the contact.",
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
"""By name of the object."""

SUPPORT_TABLES = (
    Table(
        "object_history",
        "One row per version of an object that was replaced or came back; the view object_versions adds those that stand.",
        (
            Column("object", "text", note="The table that it was a row of."),
            Column("id", "text", note="The row's key; its parts joined by a slash."),
            Column("valid_from", "timestamptz", note="The sync that brought this version."),
            Column("valid_to", "timestamptz", note="The sync that replaced it or missed it.", nullable=False),
            Column("record", "jsonb", note="The version: every column that is not ours.", nullable=False),
        ),
        key=("object", "id", "valid_from"),
        mirrored=False,
    ),
    Table(
        "recipient_fields",
        "One row per custom field that ever had a column in recipients.",
        (
            Column("field_id", "text", "id"),
            Column("field_type", "text", "field_type | type", nullable=False),
            Column("name", "text", "name", "Its present name.", nullable=False),
            Column("column_name", "text", note="Its column in recipients.", nullable=False),
            Column("added_at", "timestamptz", note="The sync that first saw it.", nullable=False),
            Column(
                "removed_at",
                "timestamptz",
                note="The sync that no longer saw it; the column keeps what it last held.",
            ),
        ),
        key=("field_id",),
        mirrored=False,
    ),
    Table(
        "member_reads",
        "One row per list or segment: when its members were last read.",
        (
            Column("object", "text", note="list_members or segment_members."),
            Column("group_id", "text", "id"),
            Column("read_at", "timestamptz", nullable=False),
            Column("complete", "boolean", note="Whether leavers could be told.", nullable=False),
            Column("members", "bigint", nullable=False),
        ),
        key=("object", "group_id"),
        mirrored=False,
    ),
    Table(
        "member_turns",
        "One row per list or segment: its last turn, whether its members could be read or not.",
        (
            Column("object", "text", note="list_members or segment_members."),
            Column("group_id", "text", "id"),
            Column(
                "began_at",
                "timestamptz",
                note="When its turn began; the longest ago comes first in the next sync.",
                nullable=False,
            ),
            Column("seconds", "double precision", note="How long it took.", nullable=False),
            Column("error", "text", note="Why it could not be read; null if it was."),
        ),
        key=("object", "group_id"),
        mirrored=False,
    ),
    Table(
        "sync_runs",
        "One row per sync of one object.",
        (
            Column("sync_id", "bigint generated always as identity"),
            Column("object", "text", nullable=False),
            Column("family", "text", note="new, legacy or none; null where it does not matter."),
            Column("started_at", "timestamptz", nullable=False),
            Column("finished_at", "timestamptz", note="Null while it runs, or if it was killed."),
            Column(
                "complete", "boolean", note="The read was proven complete, so that deletes could be told."
            ),
            Column("rows_read", "bigint"),
            Column("inserted", "bigint"),
            Column("updated", "bigint"),
            Column("unchanged", "bigint"),
            Column("deleted", "bigint"),
            Column("warnings", "text[]", note="What was odd about it."),
            Column("error", "text", note="Why it failed; null where it did not."),
            Column("read_from", "date", note="Of statistics by day: the first day that it read."),
        ),
        key=("sync_id",),
        mirrored=False,
        indexes=("create index sync_runs_object on {table} (object, started_at)",),
    ),
)
"""Tables beside the objects: history, ledgers."""
