"""Posts go on to the consumer that was there before: byte for byte, in order, none lost, whatever happens in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from sendgrid_orchestration.cli import app
from sendgrid_orchestration.destinations import forwarder
from sendgrid_orchestration.destinations.errors import DestinationError, ForwardStoppedError
from sendgrid_orchestration.destinations.forward_ledger import ForwardLedger, disable_others
from sendgrid_orchestration.destinations.forwarder import Forwarded, forward, resend
from sendgrid_orchestration.landing.format import Post
from sendgrid_orchestration.load.loader import load_waiting
from sendgrid_orchestration.load.replay import replay_source
from sendgrid_orchestration.load.retention import prune_archive
from sendgrid_orchestration.settings import Source
from sendgrid_orchestration.simulator.old_consumer import OldConsumer
from sendgrid_orchestration.warehouse.engine import connect
from sendgrid_orchestration.warehouse.migrations import migrate
from tests.support.deliveries import IMPATIENT
from tests.support.landed import Landing
from tests.support.signing import SIGNATURE, TIMESTAMP, SigningKey, body_of, events

RECEIVER = "https://mail.example.com"
LATER = datetime.now(UTC) + timedelta(days=1)


class Story:
    """A source whose posts go on to an old consumer that checks SendGrid's signature."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.key = SigningKey()
        self.landing = Landing(folder / "landing")
        self.folder = folder
        self.bodies: list[bytes] = []
        self.settings: dict[str, Any] = {"name": "previous", "enabled": True}

    @property
    def source(self) -> Source:
        return Source.model_validate({"name": "sendgrid", "forward": [self.settings]})

    def post(self, **headers: str) -> Post:
        """A post of two events that SendGrid signed, each another one."""
        number = len(self.bodies)
        body = body_of(events(number * 2, 2))
        self.bodies.append(body)
        signed = {name.lower(): value for name, value in self.key.headers(body).items()}
        kept = {name: signed[name] for name in (SIGNATURE.lower(), TIMESTAMP.lower(), "content-type")}
        return Post(LATER + timedelta(seconds=number), {**kept, **headers}, body)

    def land(self, posts: int = 1, *, load: bool = True) -> list[Path]:
        """A file of so many posts, loaded."""
        path = self.landing.land_posts(*(self.post() for _ in range(posts)))
        if load:
            load_waiting(self.url, self.landing.store, self.source)
        return [path]

    def forward(self) -> Forwarded:
        return forward(
            self.url, self.landing.store, self.source, "previous", receiver_url=RECEIVER, policy=IMPATIENT
        )

    def resend(self) -> Forwarded:
        return resend(
            self.url, self.landing.store, self.source, "previous", receiver_url=RECEIVER, policy=IMPATIENT
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.url) as conn:
            return conn.execute(query.encode()).fetchall()

    def exceptions(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "select state, post, posts, tries, reason from sendgrid_raw.forward_exceptions order by file_name, post"
        )


@pytest.fixture
def story(warehouse_url: str, tmp_path: Path) -> Story:
    made = Story(warehouse_url, tmp_path)
    with connect(warehouse_url) as conn:
        migrate(conn, Source.model_validate({"name": "sendgrid"}))
    return made


@pytest.fixture
def consumer(story: Story) -> Iterator[OldConsumer]:
    with OldConsumer(story.key.public) as running:
        story.settings["url"] = f"{running.url}/hook?token=abc"
        yield running


def bodies(consumer: OldConsumer) -> list[bytes]:
    return [one.body for one in consumer.taken]


def test_old_consumer_cannot_tell_the_difference(story: Story, consumer: OldConsumer) -> None:
    """It verifies SendGrid's signature over timestamp and body, of posts from the landing and from the archive."""
    story.settings["start"] = "beginning"
    story.land(3)
    story.land(2)
    done = story.forward()
    assert (done.posts, done.files, done.rejected, done.lag, done.is_complete) == (5, 2, 0, 0, True)
    assert bodies(consumer) == story.bodies
    first = consumer.taken[0].headers
    assert first["content-type"] == "application/json;charset=utf-8"
    assert first["user-agent"] == "SendGrid Event API"
    assert "authorization" not in first
    assert {seen.path + "?" + seen.query for seen in consumer.log.all()} == {"/hook?token=abc"}
    assert story.forward().posts == 0
    assert len(consumer.taken) == 5


def test_enabling_starts_from_now(story: Story, consumer: OldConsumer) -> None:
    """Neither what is loaded already, nor what was received before and is loaded afterwards; nor while it is disabled."""
    story.land(2)
    story.forward()
    assert consumer.taken == []
    old = Post(datetime.now(UTC) - timedelta(minutes=1), {}, b"[]")
    story.landing.land_posts(old, story.post())
    load_waiting(story.url, story.landing.store, story.source)
    done = story.forward()
    assert (done.posts, done.skipped) == (1, 1)
    assert bodies(consumer) == story.bodies[-1:]
    with connect(story.url) as conn:
        disable_others(conn, "sendgrid_raw", [])
    story.land()
    story.forward()
    assert len(consumer.taken) == 1
    story.settings["enabled"] = False
    with pytest.raises(DestinationError, match="is disabled"):
        story.forward()
    story.settings |= {"enabled": True, "paused": True}
    with pytest.raises(DestinationError, match="is paused"):
        story.forward()


def test_a_day_as_the_start(story: Story, consumer: OldConsumer) -> None:
    story.landing.land_posts(Post(LATER - timedelta(days=3), {}, b"[]"))
    story.landing.land_posts(story.post())
    load_waiting(story.url, story.landing.store, story.source)
    story.settings["start"] = LATER.date()
    story.forward()
    assert bodies(consumer) == story.bodies


def test_file_that_lands_late_is_not_passed_over(story: Story, consumer: OldConsumer) -> None:
    """Of two receivers one may upload a file of earlier posts after the other's: loads give the order, not names."""
    story.settings["start"] = "beginning"
    early, late = story.post(), story.post()
    story.landing.land_posts(late)
    load_waiting(story.url, story.landing.store, story.source)
    story.forward()
    story.landing.land_posts(early)
    load_waiting(story.url, story.landing.store, story.source)
    story.forward()
    assert sorted(bodies(consumer)) == sorted(story.bodies)


def test_replay_forwards_nothing_again(story: Story, consumer: OldConsumer) -> None:
    story.settings["start"] = "beginning"
    story.land(2)
    story.forward()
    replay_source(story.url, story.landing.store, story.source)
    story.forward()
    assert len(consumer.taken) == 2


def test_target_that_is_down_is_asked_again_and_nothing_is_passed_over(
    story: Story, consumer: OldConsumer
) -> None:
    story.settings["start"] = "beginning"
    story.land(4)
    consumer.faults.add("/hook", skip=1, times=None, status=503, body="upstream")
    with pytest.raises(ForwardStoppedError, match="503 upstream") as stopped:
        story.forward()
    assert stopped.value.done.posts == 1
    assert stopped.value.done.calls == 1 + IMPATIENT.attempts
    consumer.faults.clear()
    assert story.forward().posts == 3
    assert bodies(consumer) == story.bodies
    assert story.exceptions() == []


def test_no_connection_no_answer_and_redirects_lose_nothing(story: Story, consumer: OldConsumer) -> None:
    story.settings["start"] = "beginning"
    story.land(2)
    good = story.settings["url"]
    story.settings["url"] = "http://127.0.0.1:9/hook"
    with pytest.raises(ForwardStoppedError, match="no connection"):
        story.forward()
    story.settings |= {"url": good, "answer_seconds": 0.1}
    slow = consumer.faults.add("/hook", times=None, delay=1.0)
    with pytest.raises(ForwardStoppedError, match="no answer in time"):
        story.forward()
    assert slow
    consumer.faults.clear()
    story.settings["answer_seconds"] = 5
    elsewhere = {"Location": f"{consumer.url}/elsewhere"}
    consumer.faults.add("/hook", status=307, headers=elsewhere)
    with pytest.raises(ForwardStoppedError, match="redirects"):
        story.forward()
    assert not any(seen.path == "/elsewhere" for seen in consumer.log.all())
    consumer.taken.clear()
    story.forward()
    assert bodies(consumer) == story.bodies


def test_limit_is_kept_for_as_long_as_it_says(story: Story, consumer: OldConsumer) -> None:
    story.settings["start"] = "beginning"
    story.land(2)
    consumer.faults.add("/hook", status=429, headers={"Retry-After": "1"})
    began = datetime.now(UTC)
    assert story.forward().posts == 2
    assert datetime.now(UTC) - began >= timedelta(seconds=1)
    assert bodies(consumer) == story.bodies


def test_refused_post_is_listed_by_file_and_number_and_blocks_nobody(
    story: Story, consumer: OldConsumer
) -> None:
    story.settings |= {"start": "beginning", "max_tries": 2}
    (path,) = story.land(4)
    poison = story.bodies[2]
    consumer.dislikes = lambda body: body == poison
    done = story.forward()
    assert (done.posts, done.rejected, done.calls) == (3, 1, 5)
    assert bodies(consumer) == [body for body in story.bodies if body != poison]
    assert story.exceptions() == [("rejected", 3, 1, 2, '400 {"error":"cannot be stored"}')]
    (name,) = story.rows("select file_name from sendgrid_raw.forward_exceptions")[0]
    assert path.name.startswith(name)
    assert story.resend().rejected == 1
    assert story.exceptions()[0][3] == 4, "tries add up"
    consumer.dislikes = lambda _: False
    assert story.resend().posts == 1
    assert consumer.taken[-1].body == poison
    assert story.exceptions() == []
    assert story.rows("select accepted, rejected, lost from sendgrid_raw.forwards") == [(4, 0, 0)]


def test_target_that_refuses_everything_is_left_alone_after_a_few_posts(
    story: Story, consumer: OldConsumer
) -> None:
    """A wrong login is the forward's fault, and not that of each post in the archive."""
    story.settings |= {"start": "beginning", "max_tries": 1}
    story.land(12)
    consumer.dislikes = lambda _: True
    with pytest.raises(ForwardStoppedError, match="refused 5 posts one after the other") as stopped:
        story.forward()
    assert (stopped.value.done.rejected, len(story.exceptions())) == (5, 5)
    consumer.dislikes = lambda _: False
    assert story.forward().posts == 7
    assert story.resend().posts == 5
    assert sorted(bodies(consumer)) == sorted(story.bodies)


def test_refusals_among_accepted_posts_stop_nothing(story: Story, consumer: OldConsumer) -> None:
    story.settings |= {"start": "beginning", "max_tries": 1}
    story.land(2 * forwarder.REFUSALS_IN_A_ROW + 2)
    odd = set(story.bodies[1::2])
    consumer.dislikes = lambda body: body in odd
    done = story.forward()
    assert (done.posts, done.rejected, done.is_complete) == (6, 6, True)


def test_killed_in_the_middle_it_goes_on_where_it_was(story: Story, consumer: OldConsumer) -> None:
    """SIGKILL while a post is under way: at most that one is sent twice, none is left out, the order stands."""
    story.settings["start"] = "beginning"
    story.land(8)
    story.land(8)
    (story.folder / "sendgrid.yaml").write_text(
        yaml.safe_dump(
            {
                "data_dir": str(story.folder / "data"),
                "sources": [{"name": "sendgrid", "forward": [story.settings]}],
                "receiver": {"public_url": RECEIVER},
            }
        )
    )
    environment = {
        **os.environ,
        "WAREHOUSE_URL": story.url,
        "LANDING_URL": story.landing.root.as_uri(),
        "SENDGRID_CONFIG": str(story.folder / "sendgrid.yaml"),
    }
    running: list[subprocess.Popen[bytes]] = []

    def kill(_: bytes) -> bool:
        if len(consumer.taken) == 10:
            running[0].kill()
            running[0].wait(60)
        return False

    consumer.dislikes = kill
    code = "from sendgrid_orchestration.cli import app; app(['forward', 'send'])"
    running.append(subprocess.Popen([sys.executable, "-c", code], env=environment))
    assert running[0].wait(60) == -signal.SIGKILL
    assert len(consumer.taken) == 11, "the eleventh arrived, and its sender never knew"
    consumer.dislikes = lambda _: False
    story.forward()
    assert bodies(consumer) == [*story.bodies[:11], *story.bodies[10:]]


def test_retention_waits_for_a_forward_and_what_was_deleted_is_told(
    story: Story, consumer: OldConsumer
) -> None:
    story.settings["start"] = "beginning"
    with connect(story.url) as conn:
        ForwardLedger(conn, "sendgrid_raw", "previous").enable(story.source.forward[0])
    story.land(3)
    story.land(2)
    far = LATER.date() + timedelta(days=10)

    def prune(source: Source | None = None) -> Any:
        with connect(story.url) as conn:
            return prune_archive(conn, story.landing.store, source or story.source, 1, today=far)

    pruned = prune()
    assert (pruned.files, len(pruned.not_forwarded), pruned.gone) == (0, 2, 0)
    assert "wait for a forward" in " ".join(pruned.warnings())
    consumer.faults.add("/hook", skip=1, times=None, status=503)
    with pytest.raises(ForwardStoppedError):
        story.forward()
    consumer.faults.clear()
    assert prune().files == 0, "one of its posts is not forwarded"
    without = Source.model_validate({"name": "sendgrid"})
    assert prune(without).files == 2, "nobody waits for them any more, whether that was written down or not"
    story.land()
    done = story.forward()
    assert (done.posts, done.lost) == (1, 4)
    assert consumer.taken[-1].body == story.bodies[-1]
    told = [(state, post, posts, reason) for state, post, posts, _, reason in story.exceptions()]
    assert told == [("lost", 2, 2, forwarder.PRUNED), ("lost", 1, 2, forwarder.PRUNED)]
    assert story.resend().lost == 4
    assert prune().files == 1


def test_damaged_file_loses_only_its_own_posts(story: Story, consumer: OldConsumer) -> None:
    story.settings["start"] = "beginning"
    story.land(2)
    story.land(2)
    (first, _) = sorted(story.landing.root.rglob("*.posts.zst"))
    kept = first.read_bytes()
    first.write_bytes(kept[: len(kept) // 2])
    done = story.forward()
    assert (done.lost, bodies(consumer)[-2:]) == (2 - (done.posts - 2), story.bodies[2:])
    first.write_bytes(kept)
    story.resend()
    assert sorted(set(bodies(consumer))) == sorted(story.bodies)
    assert story.exceptions() == []


def test_header_that_cannot_be_sent_rejects_its_post_alone(story: Story, consumer: OldConsumer) -> None:
    story.settings["start"] = "beginning"
    story.landing.land_posts(story.post(**{"content-type": "a\r\nX-Evil: 1"}), story.post())
    load_waiting(story.url, story.landing.store, story.source)
    done = story.forward()
    assert (done.posts, done.rejected) == (1, 1)
    assert story.exceptions()[0][4] == "its header content-type cannot be sent"


def test_only_one_run_at_a_time(story: Story, consumer: OldConsumer) -> None:
    story.settings["start"] = "beginning"
    story.land()
    with connect(story.url) as conn:
        assert ForwardLedger(conn, "sendgrid_raw", "previous").lock()
        assert story.forward() == Forwarded()
        with pytest.raises(DestinationError, match="busy with another run"):
            story.resend()
    assert consumer.taken == []


def test_login_and_address_come_from_a_secret_and_show_nowhere(
    story: Story, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with OldConsumer(story.key.public, login=("me@example.com", "hush:hush")) as consumer:
        host = consumer.url.removeprefix("http://")
        monkeypatch.setenv(
            "OLD_URL", f"http://me%40example.com:hush%3Ahush@{host}/secret-path-0123456789?token=quiet"
        )
        story.settings |= {"start": "beginning", "url": {"env": "OLD_URL"}, "max_tries": 1}
        story.land(2)
        consumer.faults.add(
            "/secret-path", status=400, body="you sent hush:hush to /secret-path-0123456789?token=quiet"
        )
        story.forward()
        assert len(consumer.taken) == 1
    ((_, _, _, _, reason),) = story.exceptions()
    assert reason.startswith("400 you sent *** to ***?***")
    assert "hush" not in f"{reason}{caplog.text}{story.source!r}"


def test_person_sees_sends_and_repairs(
    story: Story, consumer: OldConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (story.folder / "sendgrid.yaml").write_text(
        yaml.safe_dump(
            {
                "data_dir": str(story.folder / "data"),
                "sources": [
                    {
                        "name": "sendgrid",
                        "forward": [{**story.settings, "start": "beginning", "max_tries": 1}],
                    }
                ],
            }
        )
    )
    monkeypatch.setenv("WAREHOUSE_URL", story.url)
    monkeypatch.setenv("LANDING_URL", story.landing.root.as_uri())
    monkeypatch.setenv("SENDGRID_CONFIG", str(story.folder / "sendgrid.yaml"))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["forward", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    story.land(3)
    assert "not begun" in call("list")
    consumer.dislikes = lambda body: body == story.bodies[1]
    assert "2 post(s) forwarded, 1 rejected, 0 lost" in call("send")
    listed = next(line for line in call("list").splitlines() if "previous" in line)
    cells = [cell.strip() for cell in listed.strip("│").split("│")]
    assert cells == ["sendgrid", "previous", "127.0.0.1", "enabled", "0", "0 s", "2", "1", "0"]
    assert "cannot be stored" in call("rejected")
    consumer.dislikes = lambda _: False
    assert "1 post(s) forwarded, 0 rejected" in call("resend")
    assert "none" in call("rejected")
    assert 'has no forward "nowhere"' in call("send", "--forward", "nowhere", code=1)
