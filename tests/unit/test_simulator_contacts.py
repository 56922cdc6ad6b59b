"""The simulated contacts: as many as one likes, drawn on demand, the same every time."""

import csv
import io
import tracemalloc

import numpy as np
import orjson

from sendgrid_orchestration.simulator import Account
from sendgrid_orchestration.simulator.contacts import COLUMNS, LAST_COLUMNS

STARTED = 1_790_000_000


def test_a_million_contacts_cost_little_memory() -> None:
    tracemalloc.start()
    account = Account(contacts=1_000_000, started=STARTED)
    chunks = account.book.csv(account.book.numbers())
    size = sum(len(next(chunks)) for _ in range(4))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 4_000_000
    assert peak < 250_000_000
    assert account.contact_count() == 1_000_000


def test_csv_can_be_read_back_whatever_stands_in_it() -> None:
    account = Account(contacts=3000, started=STARTED)
    numbers = account.book.numbers()
    text = b"".join(account.book.csv(numbers)).decode()
    read = list(csv.reader(io.StringIO(text)))
    assert read == [list(row) for row in account.book.rows(numbers)]
    assert any("\n" in value for row in read for value in row)
    assert any('"' in value for row in read for value in row)


def test_a_contact_is_found_by_its_id_and_by_its_address() -> None:
    book = Account(contacts=500, started=STARTED).book
    for number in (0, 7, 499):
        assert book.with_id(book.contact_id(number)) == number
        assert book.with_email(book.email(number).upper()) == number
    assert book.with_id("nonsense") is None
    assert book.with_email("nobody@nowhere.example") is None
    book.delete([7])
    assert book.with_email(book.email(7)) is None


def test_a_change_touches_the_chosen_part_only() -> None:
    account = Account(contacts=2000, started=STARTED, clock=lambda: STARTED + 60)
    before = list(account.book.rows(account.book.numbers()))
    assert account.change_contacts(0.01) == 20
    after = list(account.book.rows(account.book.numbers()))
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 20


def test_renaming_a_field_leaves_its_values() -> None:
    account = Account(contacts=100, custom_fields=3, started=STARTED)
    before = list(account.book.rows(account.book.numbers()))
    account.rename_custom_field("e1_T", "tariff")
    assert list(account.book.rows(account.book.numbers())) == before
    account.remove_custom_field("e1_T")
    assert len(next(account.book.rows(account.book.numbers()))) == len(COLUMNS) + 2 + len(LAST_COLUMNS)


def test_list_and_segment_membership_is_what_contacts_say_themselves() -> None:
    account = Account(contacts=400, started=STARTED)
    account.put_contact({"email": "new@berlin.example", "city": "Berlin"}, [account.add_list("New", 3).id])
    for list_id in account.membership.lists:
        members = set(account.membership.list_numbers(list_id).tolist())
        assert members == {
            int(n) for n in account.book.numbers() if list_id in account.membership.of_contact(int(n))[0]
        }
    cities = np.array([row[5] for row in account.book.rows(account.book.numbers())])
    berlin = next(s for s in account.membership.segments.values() if s.name == "Berlin")
    assert len(account.membership.segment_numbers(berlin.id)) == int((cities == "Berlin").sum()) > 0


def test_odd_values_that_a_test_stores_can_be_shown() -> None:
    account = Account(contacts=3, custom_fields=3, started=STARTED)
    for value, shown in (("n/a", "n/a"), ("1e400", "1e400"), ("NaN", "NaN"), ("1e300", 1e300), ("5.0", 5)):
        contact_id = account.put_contact({"email": "odd@x.example", "e2_N": value, "e3_D": "soon"})
        number = account.book.with_id(contact_id)
        assert number is not None
        (document,) = account.book.documents([number])
        assert orjson.loads(orjson.dumps(document))["custom_fields"] == {
            "lifetime_value": shown,
            "signup_date": "soon",
        }
    assert account.fields.get("e3_D").legacy("soon") == "soon"
