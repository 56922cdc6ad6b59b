"""How far each forward has come, and what did not arrive. Every change is one small transaction of the caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, Literal

import psycopg
from psycopg import sql

from sendgrid_orchestration.destinations.statements import Statements, table_exists
from sendgrid_orchestration.landing.store import LandedFile, LandingStore
from sendgrid_orchestration.settings import Forward

_PAGE = 500

_FILE = "file_name, load_id, bytes, posts, sealed_at, coalesce(first_received_at, sealed_at), archive_path, deleted_at"


@dataclass(frozen=True)
class Progress:
    """How far a forward has come.

    Attributes:
        start_at: posts that were received before are not forwarded.
        next_file: the file that is being forwarded.
        next_file_posts: how many of its posts are dealt with.
    """

    start_at: datetime | None
    next_file: str | None
    next_file_posts: int


@dataclass(frozen=True)
class LoadedFile:
    """A landed file as the loader's ledger has it."""

    name: str
    load_id: int
    size: int
    posts: int
    sealed_at: datetime
    received_at: datetime
    archive_path: str | None
    deleted_at: datetime | None

    def in_store(self, store: LandingStore, source: str) -> LandedFile:
        """The file, for reading."""
        return store.loaded_file(source, self.name, self.size, self.sealed_at, self.archive_path)


@dataclass(frozen=True)
class NotForwarded:
    """Posts that did not arrive.

    Attributes:
        post: the number of the first in its file, from 1.
        posts: how many.
        state: rejected by the other side, or lost before their turn came.
        tries: how often they were sent.
    """

    file: str
    post: int
    posts: int
    state: Literal["rejected", "lost"]
    reason: str
    tries: int
    received_at: datetime | None
    found_at: datetime | None = None


@dataclass(frozen=True)
class Waiting:
    """What waits to be forwarded.

    Attributes:
        files: how many landed files, at most a thousand.
        lag: age of the oldest of them, in seconds since its last post was received.
        last_load: the load of the newest.
    """

    files: int
    lag: float
    last_load: int


@dataclass(frozen=True)
class Totals:
    """Of a forward, since it was first enabled."""

    accepted: int
    rejected: int
    lost: int
    accepted_at: datetime | None


class ForwardLedger(Statements):
    """The ledger of one forward.

    Args:
        conn: the caller's connection; nothing is committed here.
        raw_schema: where the tables are.
        name: the forward.
    """

    tables: ClassVar[Mapping[str, str]] = {
        "forwards": "forwards",
        "exceptions": "forward_exceptions",
        "waiting": "files_to_forward",
        "files": "landed_files",
        "loads": "loads",
    }

    def __init__(self, conn: psycopg.Connection, raw_schema: str, name: str) -> None:
        super().__init__(conn, raw_schema)
        self._name = name

    def progress(self) -> Progress | None:
        """How far it has come; None where it is not enabled."""
        row = self._one(
            "select start_at, next_file_name, next_file_posts from {forwards} where forward = %s and disabled_at is null",
            self._name,
        )
        return Progress(*row) if row else None

    def enable(self, settings: Forward) -> Progress:
        """Begin with a forward if it is not begun yet, at the place that its settings say.

        Enabled again it begins with what is received from then on.
        """
        if (progress := self.progress()) is not None:
            return progress
        was_enabled = self._one("select 1 from {forwards} where forward = %s", self._name) is not None
        now = self._value("select clock_timestamp()")
        start_at: datetime | None = None
        load_id = 0
        if was_enabled or settings.start == "now":
            start_at = now
            load_id = self._value(
                "select coalesce(max(load_id), 0) from {loads} where committed_at is not null"
            )
        elif settings.start != "beginning":
            day = settings.start
            assert isinstance(day, date)
            start_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
            load_id = self._value(
                "select coalesce(min(load_id) - 1, (select coalesce(max(load_id), 0) from {loads})) "
                "from {files} where last_received_at >= %s",
                start_at,
            )
        self._run(
            """
            insert into {forwards} as known (forward, start_at, load_id, enabled_at)
            values (%s, %s, %s, %s)
            on conflict (forward) do update
            set
                start_at = excluded.start_at, load_id = excluded.load_id, file_name = null, next_file_name = null,
                next_file_posts = 0, enabled_at = excluded.enabled_at, disabled_at = null
            where known.disabled_at is not null  -- or somebody else was faster, and may have forwarded something already
            """,
            self._name,
            start_at,
            load_id,
            now,
        )
        progress = self.progress()
        assert progress is not None
        return progress

    def lock(self) -> bool:
        """Take the forward for this connection, until it closes; False if another holds it."""
        key = f"forward {self._raw} {self._name}"
        return bool(self._value("select pg_try_advisory_lock(hashtextextended(%s, 0))", key))

    def waiting_files(self) -> Iterator[LoadedFile]:
        """The files that are not dealt with, in the order of load and name, which is that of receipt within a load."""
        query = self._query(
            f"select {_FILE} from {{waiting}} where forward = %s order by load_id, file_name limit %s"
        )
        while rows := self._conn.execute(query, [self._name, _PAGE]).fetchall():
            for row in rows:
                yield LoadedFile(*row)

    def file(self, name: str) -> LoadedFile | None:
        """A file by its name."""
        row = self._one(f"select {_FILE} from {{files}} where file_name = %s", name)
        return LoadedFile(*row) if row else None

    def waiting(self) -> Waiting:
        """What waits; nothing where the forward is not enabled."""
        row = self._one(
            """
            select
                count(*),
                coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0),
                coalesce(max(load_id), 0)
            from (
                select coalesce(last_received_at, sealed_at) as received_at, load_id
                from {waiting} where forward = %s order by load_id, file_name limit 1000
            ) as waiting
            """,
            self._name,
        )
        assert row is not None
        return Waiting(int(row[0]), max(float(row[1]), 0.0), int(row[2]))

    def totals(self) -> Totals:
        """What became of the posts so far."""
        row = self._one(
            "select accepted, rejected, lost, accepted_at from {forwards} where forward = %s", self._name
        )
        return Totals(*row) if row else Totals(0, 0, 0, None)

    def accept(self, file: LoadedFile, post: int) -> None:
        """Write that the other side acknowledged a post: the file's posts up to it are dealt with."""
        self._move(file, post, accepted=1)

    def pass_over(self, file: LoadedFile, post: int) -> None:
        """Write that a post is not to be forwarded."""
        self._move(file, post)

    def reject(self, file: LoadedFile, post: int, reason: str, tries: int, received_at: datetime) -> None:
        """Write that the other side refused a post for good."""
        self._put(NotForwarded(file.name, post, 1, "rejected", reason, tries, received_at))
        self._move(file, post, rejected=1)

    def lose(self, file: LoadedFile, post: int, reason: str) -> None:
        """Write that a file's posts from one on cannot be read, and go on behind the file."""
        posts = max(file.posts - post + 1, 1)
        self._put(NotForwarded(file.name, post, posts, "lost", reason, 0, file.received_at))
        self._move(file, file.posts, lost=posts)

    def finish(self, file: LoadedFile) -> None:
        """Write that all of a file is dealt with."""
        self._run(
            """
            update {forwards} set load_id = %s, file_name = %s, next_file_name = null, next_file_posts = 0
            where forward = %s and load_id <= %s  -- it may have been disabled and enabled again meanwhile
            """,
            file.load_id,
            file.name,
            self._name,
            file.load_id,
        )

    def exceptions(self, *, limit: int | None = None) -> list[NotForwarded]:
        """What did not arrive, in order of receipt; the newest of it if there is more than a limit."""
        rows = self._conn.execute(
            self._query(
                """
                select file_name, post, posts, state, reason, tries, received_at, found_at
                from {exceptions} where forward = %s order by file_name desc, post desc limit %s
                """
            ),
            [self._name, limit],
        ).fetchall()
        return [NotForwarded(*row) for row in reversed(rows)]

    def listed(self, state: str, since: timedelta) -> dict[str, int]:
        """How many posts did not arrive lately, by reason."""
        rows = self._conn.execute(
            self._query(
                """
                select reason, sum(posts)::bigint from {exceptions}
                where forward = %s and state = %s and found_at > clock_timestamp() - %s
                group by reason order by 2 desc limit 20
                """
            ),
            [self._name, state, since],
        )
        return {reason: int(posts) for reason, posts in rows}

    def arrived_after_all(self, one: NotForwarded) -> None:
        """Write that posts which were rejected or lost arrived now."""
        self._run(
            "delete from {exceptions} where forward = %s and file_name = %s and post = %s",
            self._name,
            one.file,
            one.post,
        )
        counter = sql.Identifier(one.state)
        statement = sql.SQL(
            "update {} set {} = {} - %s, accepted = accepted + %s, accepted_at = clock_timestamp() where forward = %s"
        ).format(sql.Identifier(self._raw, "forwards"), counter, counter)
        self._conn.execute(statement, [one.posts, one.posts, self._name])

    def still_rejected(self, one: NotForwarded, reason: str, tries: int) -> None:
        """Write that a post was refused once more."""
        self._run(
            """
            update {exceptions} set reason = %s, tries = tries + %s, found_at = clock_timestamp()
            where forward = %s and file_name = %s and post = %s
            """,
            reason[:500],
            tries,
            self._name,
            one.file,
            one.post,
        )

    def _put(self, one: NotForwarded) -> None:
        self._run(
            """
            insert into {exceptions} as known (forward, file_name, post, posts, state, reason, tries, received_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (forward, file_name, post) do update
            set
                posts = excluded.posts, state = excluded.state, reason = excluded.reason, tries = known.tries + excluded.tries,
                found_at = clock_timestamp()
            """,
            self._name,
            one.file,
            one.post,
            one.posts,
            one.state,
            one.reason[:500],
            one.tries,
            one.received_at,
        )

    def _move(
        self, file: LoadedFile, post: int, *, accepted: int = 0, rejected: int = 0, lost: int = 0
    ) -> None:
        self._run(
            """
            update {forwards}
            set
                next_file_name = %s, next_file_posts = %s, accepted = accepted + %s, rejected = rejected + %s, lost = lost + %s,
                accepted_at = case when %s > 0 then clock_timestamp() else accepted_at end
            where forward = %s
            """,
            file.name,
            post,
            accepted,
            rejected,
            lost,
            accepted,
            self._name,
        )


def disable_others(conn: psycopg.Connection, raw_schema: str, enabled: Sequence[str]) -> None:
    """Write that every other forward is disabled now: what is received from now on is not for it."""
    query = sql.SQL(
        "update {} set disabled_at = clock_timestamp() where disabled_at is null and not (forward = any(%s))"
    )
    conn.execute(query.format(sql.Identifier(raw_schema, "forwards")), [list(enabled)])


def is_migrated(conn: psycopg.Connection, raw_schema: str) -> bool:
    """Whether the tables are there."""
    return table_exists(conn, raw_schema, "forwards")
