"""Writes docs/tables.md from the declaration of the tables: `python -m sendgrid_orchestration.warehouse.object_docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from sendgrid_orchestration.warehouse.migrations import table_comments
from sendgrid_orchestration.warehouse.object_tables import BOOKKEEPING, SUPPORT_TABLES, TABLES, Column, Table

_INTRODUCTION = """\
# Tables of SendGrid's objects

What the sync writes, in `<schema>_raw`: every table, every column, and the field of SendGrid's answer that it comes from. The
same words stand in the database as comments. The tables that the loader writes are named at the end; the columns of events are
described with the dbt models (`docs` command).

This page is written by `python -m sendgrid_orchestration.warehouse.object_docs`; a test compares it with the database.

## What holds for all

Each sync leaves the latest state. A row whose content did not change is not rewritten, so `synced_at` is when the row
last changed; when a table was last read stands in `sync_runs`.

**Deletes.** What SendGrid no longer has keeps its row and gets `deleted_at`. That is inferred only from a read that was proven
complete: all pages or files read whole, and as many rows as SendGrid itself counts where it counts. Pages that repeat, do
not fit together or lack their rows, a file that is cut short, a count that is not reached: such a read updates what it saw,
deletes nothing, and says so in `sync_runs.warnings`. An empty list (`[]` or null) that no count confirms is believed when two
syncs in a row find it.

**History.** A version that was replaced goes to `object_history`; the view `object_versions` adds the versions that stand. How
a list was called, and how many contacts it had, on the first of March:

```sql
select record ->> 'name' as name, record ->> 'recipient_count' as recipient_count
from sendgrid_prod_raw.object_versions
where object = 'lists' and valid_from <= '2026-03-01' and (valid_to is null or valid_to > '2026-03-01');
```

Statistics (`…_stats`) and clicks by link (`…_links`) keep no versions: they are counters. Days and links of a mailing are read again
when its totals have changed.

**Statistics by day** are read thirteen months back by the first sync, or from the source's `stats_since`, and then again from
thirty days before the last sync on (by provider, device, client, browser and place: seven). `sync_runs.read_from` is the first day
that a sync read. A day on which a category, browser … had nothing has no row. No row is ever deleted: SendGrid documents that it
stores seven days of the figures by provider, device, client, browser and place, and what it no longer has stays here. A metric has
the same name everywhere, so each breakdown can be compared with `daily_stats`, the whole account. Mail with two categories counts
in both.

**Members.** `list_members` and `segment_members` have a row for each stretch of time in which a contact was a member. Who was in
which list on the first of March is one join:

```sql
select m.list_id, r.email
from sendgrid_prod_raw.list_members as m
inner join sendgrid_prod_raw.recipients as r on r.id = m.contact_id
where m.valid_from <= '2026-03-01' and (m.valid_to is null or m.valid_to > '2026-03-01');
```

Every list is read at every sync, by an export of its own. None is skipped for having the same count as before: one contact
may have left as another came. A sync that takes longer than two hours stops between two lists; the next begins with those
that were not reached.

**Custom fields** become columns of `recipients`, named after the field: text for Text, numeric for Number, timestamptz for Date.

- A field that is added later gets its column at the next sync.
- A renamed field takes its column along; it is known by its id.
- A removed field leaves its column behind with what it last held, no longer filled. If a new field takes the name, the old
  column is renamed to end in the old field's id. `recipient_fields` says which column belongs to which field.
- A name that one of our columns or Postgres has for itself (`id`, `email`, `deleted_at`, `ctid` …), or that begins with a digit, gets
  the prefix `custom_`. Two names that differ only in what is no letter or digit are told apart by the field's id.
- A value that does not fit its field's type, and a column of the export that no field is defined for, is kept in
  `custom_fields` under its name.

**Families.** Legacy Marketing Campaigns (`/v3/contactdb`) fill the same tables; where a field has another name there, it stands
after the bar. What only legacy tells, and what only the new family has, is noted.
"""


def page() -> str:
    """The whole page."""
    return "\n".join((_INTRODUCTION, *_sections()))


def _sections() -> Iterator[str]:
    yield "## Bookkeeping columns\n"
    yield "On every table below except for members and the supporting tables.\n"
    yield from _table(BOOKKEEPING)
    yield "## Objects\n"
    for table in TABLES.values():
        yield from _section(table)
    yield "## Supporting tables\n"
    for table in SUPPORT_TABLES:
        yield from _section(table)
    yield "## The loader's tables\n"
    yield "In the same schema; their columns are described in the database.\n"
    yield "| table | what it holds |"
    yield "|---|---|"
    for name, comment in sorted(table_comments().items()):
        yield f"| `{name}` | {comment} |"
    yield ""


def _section(table: Table) -> Iterator[str]:
    yield f"### {table.name}\n"
    yield f"{table.grain} Key: {', '.join(f'`{name}`' for name in table.key)}.\n"
    yield from _table(table.columns)


def _table(columns: tuple[Column, ...]) -> Iterator[str]:
    yield "| column | type | SendGrid's field | note |"
    yield "|---|---|---|---|"
    for column in columns:
        field = " or ".join(f"`{one}`" for one in column.field.split(" | ")) if column.field else ""
        kind = column.type.partition(" generated")[0]
        yield f"| `{column.name}` | {kind} | {field} | {column.note} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
