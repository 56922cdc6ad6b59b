"""All contacts through the export: typed custom fields, changes, history, and every way in which an export goes wrong."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sendgrid_orchestration.sendgrid.errors import ExportFailedError, SendGridUnavailableError
from tests.support.mirror import Mirror, mirror

EXPORTS = "/v3/marketing/contacts/exports"
FILES = "/email-contact-exports/"
TRACES = "select id, xmin::text, ctid::text from {raw}.recipients order by id"


@pytest.fixture
def account(postgres_url: str) -> Iterator[Mirror]:
    with mirror(postgres_url) as made:
        yield made


def columns(account: Mirror) -> dict[str, str]:
    return dict(
        account.rows(
            "select column_name, data_type from information_schema.columns "
            "where table_schema = '{raw}' and table_name = 'recipients'"
        )
    )


def test_every_contact_arrives_with_every_field(account: Mirror) -> None:
    """S14, S43: all contacts, not the fifty of the sample; custom fields typed and named after the field."""
    book = account.simulator.account.book
    result = account.sync("recipients")
    assert (result.rows_read, result.inserted, result.complete) == (40, 40, True)
    rows = {
        row[0]: row[1:]
        for row in account.rows(
            "select id, email, first_name, city, created_at, plan, lifetime_value, signup_date from {raw}.recipients"
        )
    }
    assert len(rows) == 40
    for shown in book.documents(book.numbers()):
        email, first_name, city, created_at, plan, value, signed_up = rows[shown["id"]]
        custom = shown["custom_fields"]
        assert (email, first_name or "", city or "") == (shown["email"], shown["first_name"], shown["city"])
        assert created_at == datetime.fromisoformat(shown["created_at"])
        assert plan == custom.get("plan")
        assert value == (None if "lifetime_value" not in custom else Decimal(str(custom["lifetime_value"])))
        assert signed_up is None or signed_up.tzinfo == UTC
    assert {columns(account)[name] for name in ("plan", "lifetime_value", "signup_date")} == {
        "text",
        "numeric",
        "timestamp with time zone",
    }
    # The new export does not have them; they are joined from our own events.
    assert account.value("select count(*) from {raw}.recipients where last_opened is not null") == 0


def test_only_contacts_that_changed_are_written(account: Mirror) -> None:
    account.sync("recipients")
    before = account.rows(TRACES)
    account.simulator.account.change_contacts(0.1)
    result = account.sync("recipients")
    assert (result.inserted, result.updated, result.unchanged, result.deleted) == (0, 4, 36, 0)
    assert len(set(before) & set(account.rows(TRACES))) == 36
    changed = account.rows("select id, synced_at from {raw}.recipients where synced_at = %s", account.now)
    assert len(changed) == 4
    versions = account.rows(
        "select count(*) from {raw}.object_versions where object = 'recipients' and id = %s", changed[0][0]
    )
    assert versions == [(2,)]


def test_deleted_contacts_are_marked_and_new_ones_arrive(account: Mirror) -> None:
    account.sync("recipients")
    gone = account.simulator.account.delete_contacts(3)
    new = account.simulator.account.put_contact({"email": "new@example.com", "e1_T": "gold"})
    result = account.sync("recipients")
    assert (result.inserted, result.updated, result.unchanged, result.deleted) == (1, 0, 37, 3)
    marked = account.rows("select id from {raw}.recipients where deleted_at = %s", account.now)
    assert {one for (one,) in marked} == set(gone)
    assert account.value("select plan from {raw}.recipients where id = %s", new) == "gold"


def test_a_contact_that_comes_back_lives_again(account: Mirror) -> None:
    account.sync("recipients")
    gone = account.simulator.account.delete_contacts(1)
    account.sync("recipients")
    account.simulator.account.book.alive[:] = True
    assert account.sync("recipients").updated == 1
    assert account.value("select deleted_at from {raw}.recipients where id = %s", gone[0]) is None


@pytest.mark.parametrize("header", ["upper", "as_named"])
@pytest.mark.parametrize("gzip", [True, False])
def test_files_are_read_whatever_their_name_and_spelling_say(
    account: Mirror, gzip: bool, header: str
) -> None:
    """Peers #18: the name ends in .gzip and the file may be plain; all files are read, not the first alone."""
    habits = account.simulator.account.exports.habits
    habits.gzip, habits.header, habits.rows_per_file = gzip, header, 15  # type: ignore[assignment]
    assert account.sync("recipients").inserted == 40
    assert len(account.simulator.log.all(port="files")) == 3
    assert account.value("select count(plan) from {raw}.recipients") > 0


def test_pre_signed_links_get_no_credentials(account: Mirror) -> None:
    account.sync("recipients")
    for seen in account.simulator.log.all(port="files"):
        assert "authorization" not in seen.headers


def test_a_job_is_asked_again_until_it_is_ready(account: Mirror) -> None:
    account.simulator.account.exports.habits.pending_polls = 5
    told = account.sync("recipients").metadata()
    assert account.simulator.log.count(f"{EXPORTS}/") == 6
    assert any("is pending since" in sentence for sentence in account.said)
    assert (told["export_files"], told["export_s"] > 0) == (1, True)
    assert told["export_id"] in " ".join(account.said)


def test_an_expired_link_is_asked_for_anew(account: Mirror) -> None:
    account.simulator.faults.add(
        FILES, status=403, body="<Error><Message>Request has expired</Message></Error>"
    )
    assert account.sync("recipients").inserted == 40
    assert account.simulator.log.count(EXPORTS, method="POST") == 1


def test_links_that_stay_expired_lead_to_another_export(account: Mirror) -> None:
    account.simulator.faults.add(FILES, times=2, status=403, body="expired")
    result = account.sync("recipients")
    assert result.inserted == 40
    assert account.simulator.log.count(EXPORTS, method="POST") == 2
    assert "another was asked for" in " ".join(result.warnings)


def test_an_export_that_fails_is_asked_for_again_and_then_told(account: Mirror) -> None:
    account.sync("recipients")
    before = account.rows(TRACES)
    account.simulator.account.exports.habits.failure = "internal error"
    with pytest.raises(ExportFailedError, match=r"failed 3 times\. SendGrid says: internal error"):
        account.sync("recipients")
    assert account.rows(TRACES) == before


def test_a_download_that_breaks_is_made_again(account: Mirror) -> None:
    account.simulator.faults.add(FILES, reset="middle")
    account.simulator.faults.add(FILES, status=500, body="slow down")
    assert account.sync("recipients").inserted == 40
    assert account.simulator.log.count(EXPORTS, method="POST") == 1


def test_no_error_shows_a_pre_signed_link(account: Mirror, caplog: pytest.LogCaptureFixture) -> None:
    account.simulator.faults.add(FILES, times=None, reset="before")
    with pytest.raises(ExportFailedError) as caught:
        account.sync("recipients")
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "X-Amz-Signature" not in str(chain)
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    assert "X-Amz-Signature" not in " ".join(account.said) + str(
        account.value("select error from {raw}.sync_runs")
    )


@pytest.mark.parametrize("gzip", [True, False])
def test_a_truncated_file_changes_nothing(account: Mirror, gzip: bool) -> None:
    account.sync("recipients")
    before = account.rows("select * from {raw}.recipients order by id")
    account.simulator.account.change_contacts(0.5)
    habits = account.simulator.account.exports.habits
    habits.gzip, habits.cut_after = gzip, 900
    with pytest.raises(ExportFailedError, match=r"middle of a row|damaged"):
        account.sync("recipients")
    assert account.rows("select * from {raw}.recipients order by id") == before


def test_a_file_cut_between_two_rows_deletes_nobody(account: Mirror) -> None:
    """Well-formed and short: only SendGrid's count gives it away."""
    account.sync("recipients")
    habits = account.simulator.account.exports.habits
    job = account.simulator.account.exports.create([], [], "csv", 5000)
    whole = b"".join(job.content(0))
    habits.gzip, habits.cut_after = False, whole.index(b"\n", len(whole) // 2) + 1
    result = account.sync("recipients")
    assert (result.complete, result.deleted) == (False, 0)
    assert 0 < result.rows_read < 40
    assert "What is missing is not taken as deleted" in " ".join(result.warnings)


@pytest.mark.parametrize("as_nothing", [True, False])
def test_an_empty_file_where_there_are_contacts_deletes_nobody(account: Mirror, as_nothing: bool) -> None:
    account.sync("recipients")
    exported = account.simulator.account.exports
    exported.habits.empty_as_nothing = as_nothing
    account.simulator.faults.add(f"{EXPORTS}/", skip=1, change=lambda body: {**body, "contact_count": 0})
    account.simulator.faults.add(FILES, status=200, body="")
    result = account.sync("recipients")
    assert (result.complete, result.deleted) == (False, 0)


def test_an_account_that_was_emptied_is_empty(account: Mirror) -> None:
    account.sync("recipients")
    account.simulator.account.delete_contacts(40)
    result = account.sync("recipients")
    assert (result.rows_read, result.deleted, result.complete) == (0, 40, True)


def test_contacts_without_address_or_with_a_very_long_one_arrive(account: Mirror) -> None:
    odd = "a" * 488 + "@example.com"
    assert len(odd) == 500
    long = account.simulator.account.put_contact({"email": odd})
    none = account.simulator.account.put_contact({"email": "", "first_name": 'Zoë "Zo"\nO\'Hara, Ltd.'})
    assert account.sync("recipients").inserted == 42
    assert account.value("select email from {raw}.recipients where id = %s", long) == odd
    assert account.rows("select email, first_name from {raw}.recipients where id = %s", none) == [
        (None, 'Zoë "Zo"\nO\'Hara, Ltd.')
    ]


def test_contacts_that_come_twice_are_kept_once(account: Mirror) -> None:
    account.simulator.account.exports.habits.duplicate_rows = 5
    first = account.sync("recipients")
    assert (first.inserted, first.rows_read, first.complete) == (40, 40, True)
    assert "5 rows came twice" in " ".join(first.warnings)
    assert account.sync("recipients").unchanged == 40


def test_values_that_do_not_fit_their_type_are_kept_beside(account: Mirror) -> None:
    value, day = (
        account.simulator.account.fields.named(name).id for name in ("lifetime_value", "signup_date")
    )
    odd = account.simulator.account.put_contact({"email": "odd@example.com", value: "n/a", day: "03/14/2025"})
    worse = account.simulator.account.put_contact({"email": "worse@example.com", value: "12", day: "soon"})
    assert account.sync("recipients").inserted == 42
    query = "select lifetime_value, signup_date, custom_fields from {raw}.recipients where id = %s"
    assert account.rows(query, odd) == [(None, datetime(2025, 3, 14, tzinfo=UTC), {"lifetime_value": "n/a"})]
    assert account.rows(query, worse) == [(Decimal(12), None, {"signup_date": "soon"})]


def test_a_column_that_was_never_seen_is_kept_beside_and_told(account: Mirror) -> None:
    account.simulator.account.exports.habits.extra_columns = {"SHOE_SIZE": "42"}
    result = account.sync("recipients")
    assert "shoe_size" in " ".join(result.warnings)
    assert account.value("select custom_fields ->> 'shoe_size' from {raw}.recipients limit 1") == "42"


def test_a_field_that_is_added_later_gets_its_column(account: Mirror) -> None:
    account.sync("recipients")
    account.simulator.account.add_custom_field("Favourite Colour", "Text")
    result = account.sync("recipients")
    assert "New custom field: Favourite Colour (Text)" in " ".join(result.warnings)
    assert account.value("select count(favourite_colour) from {raw}.recipients") > 0
    assert account.sync("recipients").unchanged == 40


def test_a_field_that_exports_have_before_it_is_defined_is_filled_once_it_is(account: Mirror) -> None:
    """The rows of the export do not change in between; they are read in full all the same."""
    account.simulator.account.add_custom_field("tier", "Text")
    account.simulator.faults.add(
        "/v3/marketing/field_definitions",
        change=lambda body: {**body, "custom_fields": body["custom_fields"][:-1]},
    )
    account.sync("recipients")
    assert "tier" not in columns(account)
    account.sync("recipients")
    assert account.value("select count(tier) from {raw}.recipients") > 0
    assert account.value("select count(*) from {raw}.recipients where custom_fields ? 'tier'") == 0


def test_a_renamed_field_takes_its_column_along(account: Mirror) -> None:
    account.sync("recipients")
    before = account.rows("select id, plan from {raw}.recipients order by id")
    field = account.simulator.account.fields.named("plan")
    account.simulator.account.rename_custom_field(field.id, "subscription")
    result = account.sync("recipients")
    assert "plan is now called subscription" in " ".join(result.warnings)
    assert "plan" not in columns(account)
    assert account.rows("select id, subscription from {raw}.recipients order by id") == before
    assert result.unchanged == 40


def test_two_fields_may_swap_their_names(account: Mirror) -> None:
    fields = account.simulator.account.fields
    one, other = fields.named("plan"), fields.add("tier", "Text")
    account.sync("recipients")
    before = account.rows("select id, plan, tier from {raw}.recipients order by id")
    one.name, other.name = "tier", "plan"
    account.sync("recipients")
    assert account.rows("select id, tier, plan from {raw}.recipients order by id") == before


def test_a_removed_field_leaves_its_column_and_its_name_can_be_used_again(account: Mirror) -> None:
    account.sync("recipients")
    field = account.simulator.account.fields.named("plan")
    before = account.rows("select id, plan from {raw}.recipients order by id")
    account.simulator.account.remove_custom_field(field.id)
    result = account.sync("recipients")
    assert "plan was removed; its column plan keeps what it last held" in " ".join(result.warnings)
    assert account.rows("select id, plan from {raw}.recipients order by id") == before
    account.simulator.account.add_custom_field("plan", "Number")
    account.sync("recipients")
    assert columns(account)["plan"] == "numeric"
    old = account.value("select column_name from {raw}.recipient_fields where field_id = %s", field.id)
    assert account.rows(f"select id, {old} from {{raw}}.recipients order by id") == before


def test_fields_named_like_our_columns_get_a_prefix(account: Mirror) -> None:
    fields = account.simulator.account.fields
    names = ("Id", "Deleted_At", "custom_fields", "ctid", "2nd_choice", "synced_at")
    for name in names:
        fields.add(name, "Text")
    account.sync("recipients")
    made = columns(account)
    for name in names:
        assert f"custom_{name.lower()}" in made
    assert account.value("select count(custom_id) from {raw}.recipients") > 0
    assert account.value("select count(*) from {raw}.recipients where deleted_at is not null") == 0


def test_a_failed_count_proves_nothing(account: Mirror) -> None:
    account.sync("recipients")
    account.simulator.account.delete_contacts(2)
    account.simulator.faults.add("/v3/marketing/contacts/count", times=None, status=403)
    account.simulator.faults.add(
        f"{EXPORTS}/", times=None, change=lambda body: {k: v for k, v in body.items() if k != "contact_count"}
    )
    result = account.sync("recipients")
    assert (result.complete, result.deleted) == (False, 0)
    assert "no count to compare with" in " ".join(result.warnings)


def test_an_outage_in_the_middle_changes_nothing(account: Mirror) -> None:
    account.sync("recipients")
    before = account.rows(TRACES)
    account.simulator.account.change_contacts(0.5)
    account.simulator.faults.server_error(f"{EXPORTS}/", times=None)
    with pytest.raises(SendGridUnavailableError):
        account.sync("recipients")
    assert account.rows(TRACES) == before


def test_export_files_do_not_stay_on_disk(
    account: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    account.sync("recipients")
    assert list(tmp_path.iterdir()) == []


def test_files_that_a_killed_sync_left_are_removed_and_those_in_use_are_not(
    account: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, used = tmp_path / "sendgrid-export-left", tmp_path / "sendgrid-export-used"
    for folder in (left, used):
        folder.mkdir()
        (folder / "contacts.csv").write_text("somebody@example.com")
        (folder / "in-use.lock").touch()
    with (used / "in-use.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        account.sync("recipients")
    assert list(tmp_path.iterdir()) == [used]
