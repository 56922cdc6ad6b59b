"""Whatever kills a sync at whatever moment: the next one ends where an undisturbed one does, to the last row of history.

CI kills a few syncs; `SOAK=1` makes it a hundred of each kind.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from sendgrid_orchestration.sync.run import SyncRunningError
from tests.support.mirror import Mirror, mirror, mirror_of

pytestmark = pytest.mark.fault

KILLS = 100 if os.environ.get("SOAK") else 6
KILLS_A_ROUND = 3

SYNC = """
import json, sys
from datetime import datetime
from pydantic import SecretStr
from sendgrid_orchestration.sendgrid.client import RetryPolicy, SendGridClient
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.sync import sync_object
told = json.loads(sys.argv[1])
client = SendGridClient(
    told["api"], SecretStr(told["key"]), source="marketing", policy=RetryPolicy(first_poll=0.01, longest_poll=0.05)
)
source, now = Source.model_validate({"name": told["source"]}), datetime.fromisoformat(told["now"])
print("ready", flush=True)
sys.stdin.readline() or sys.exit()
sync_object(client, told["url"], source, told["object"], now=now, progress=lambda sentence: None)
print("done", flush=True)
"""

TABLES = {
    "recipients": "id",
    "lists": "id",
    "list_members": "list_id, contact_id, valid_from",
    "object_history": "object, id, valid_from",
}
"""What must be equal, in an order that has no ties."""


@pytest.fixture
def undisturbed(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url, contacts=3000, custom_fields=10) as made:
        made.simulator.account.exports.habits.rows_per_file = 1200
        made.simulator.limits.set("", 1_000_000, 60)  # more syncs in a minute than any account would see
        yield made


@pytest.fixture
def disturbed(undisturbed: Mirror) -> Mirror:
    """Another mirror of the same account."""
    return mirror_of(undisturbed.simulator, undisturbed.url)


def about_to_sync(one: Mirror, name: str) -> subprocess.Popen[str]:
    """A process that has imported what it needs, which takes longer than the sync, and waits for a word."""
    return subprocess.Popen(
        [sys.executable, "-c", SYNC, one.told(name)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """Let it sync, and kill it so much later.

    Returns:
        Whether it was too late: the sync had ended.
    """
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return process.stdout.read() == "done\n"


def synced_after_all(one: Mirror, name: str) -> None:
    """As the next run does: a server that still ends what a dead process asked for is given some seconds."""
    for _ in range(5):
        with suppress(SyncRunningError):
            one.sync_now(name)
            return
    raise AssertionError(f"the killed sync of {name} still holds its lock after ten seconds")


def everything(one: Mirror) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: one.rows(f"select * from {{raw}}.{table} order by {order}") for table, order in TABLES.items()
    }


def live_on(one: Mirror, round_number: int) -> None:
    """Three hours in the life of an account: contacts change, go and come, lists too."""
    account = one.simulator.account
    membership, book = account.membership, account.book
    account.change_contacts(0.2)
    account.delete_contacts(7)
    account.put_contact({"email": f"new{round_number}@example.com"}, list(membership.lists)[:1])
    first, second = list(membership.lists)[:2]
    numbers = [int(number) for number in book.numbers()]
    membership.remove_members(first, numbers[:40])
    membership.add_members(second, numbers[20:60])
    account.rename_list(first, f"renamed {round_number}")
    if round_number == 1:
        account.delete_list(list(membership.lists)[2])


@pytest.mark.timeout(7200 if os.environ.get("SOAK") else 300)
@pytest.mark.parametrize(("name", "others"), [("recipients", []), ("list_members", ["lists"])])
def test_killed_syncs_leave_nothing_that_the_next_one_does_not_put_right(
    name: str, others: list[str], undisturbed: Mirror, disturbed: Mirror
) -> None:
    dice = random.Random(name)
    moment = undisturbed.now
    too_late = 0
    for round_number in range(KILLS // KILLS_A_ROUND):
        # Everybody marks what they write with the same moment, so that the tables can be equal to the last column.
        undisturbed.now = disturbed.now = moment = moment + timedelta(hours=3)
        if round_number:
            live_on(undisturbed, round_number)
        victims = [about_to_sync(disturbed, name) for _ in range(KILLS_A_ROUND)]
        for each in others:
            undisturbed.sync_now(each)
            disturbed.sync_now(each)
        began = time.perf_counter()
        undisturbed.sync_now(name)
        took = time.perf_counter() - began
        for process in victims:
            too_late += killed_after(process, dice.uniform(0, took))
        synced_after_all(disturbed, name)
        assert everything(disturbed) == everything(undisturbed)
    assert too_late < KILLS
    unfinished = disturbed.value(
        "select count(*) from {raw}.sync_runs where object = %s and finished_at is null", name
    )
    assert unfinished > 0, "no sync was killed in the middle"
