"""Packs events into posts as SendGrid's servers do, with the trouble that comes with it, and keeps count.

The counts say what a complete warehouse must hold afterwards, whatever was sent twice, out of order or in pieces.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sendgrid_orchestration.simulator import wire

Event = dict[str, Any]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong on the way, each as a share of all posts or events.

    Attributes:
        repeated_posts: the same bytes are posted once more, later.
        repeated_events: an event comes again in a later post, with the same id.
        renamed_events: an event comes again in a later post, with a new id.
        late: an event is held back, and comes some posts later.
        shuffled: a post's events are out of order.
        odd_items: after how many posts comes one with two items that nobody can understand; never where 0.
    """

    repeated_posts: float = 0.01
    repeated_events: float = 0.005
    renamed_events: float = 0.002
    late: float = 0.005
    shuffled: float = 0.3
    odd_items: int = 0


SMOOTH = Trouble(0, 0, 0, 0, 0, 0)
"""No trouble at all."""

ODD_ITEMS: tuple[Any, ...] = ("not an object", {"event": "delivered", "email": "no.time@northwind.example"})
"""Items that belong into quarantine: one is no object, one has no time."""


@dataclass(frozen=True)
class Post:
    """One request's body and what is in it.

    Attributes:
        items: how many elements the array has.
        first_seen: events that no earlier post had.
        duplicates: events that an earlier post had, with the same id.
        renamed: events that an earlier post had under another id.
        odd: items for the quarantine.
    """

    body: bytes
    items: int
    first_seen: int
    duplicates: int = 0
    renamed: int = 0
    odd: int = 0


def compose(
    events: Iterable[Event], *, batch: int = 100, seed: int = 1, trouble: Trouble = SMOOTH
) -> Iterator[Post]:
    """Pack events into posts, and make trouble.

    Args:
        events: in the order in which they happened.
        batch: how many go into one post.
        seed: the same seed makes the same trouble.
        trouble: how much of it.
    """
    dice = random.Random(seed)
    again: list[Event] = []
    renamed: list[Event] = []
    held: list[Event] = []
    late_posts: list[Post] = []
    for made, first in enumerate(_batches(_delayed(events, held, trouble.late, dice), batch), start=1):
        items: list[Any] = [*first, *again, *renamed]
        duplicates, new_names = len(again), len(renamed)
        again = [event for event in first if dice.random() < trouble.repeated_events]
        renamed = [_renamed(event, dice) for event in first if dice.random() < trouble.renamed_events]
        if dice.random() < trouble.shuffled:
            dice.shuffle(items)
        odd = ODD_ITEMS if trouble.odd_items and made % trouble.odd_items == 1 % trouble.odd_items else ()
        items.extend(odd)
        raw = wire.body(items, escaped=dice.random() < 0.8)
        post = Post(raw, len(items), len(first), duplicates, new_names, len(odd))
        yield post
        if late_posts and dice.random() < 0.5:
            yield late_posts.pop(0)
        if dice.random() < trouble.repeated_posts:
            known = post.first_seen + post.duplicates + post.renamed
            late_posts.append(replace(post, first_seen=0, duplicates=known, renamed=0))
    if rest := [*held, *again, *renamed]:
        yield Post(wire.body(rest), len(rest), len(held), len(again), len(renamed))
    yield from late_posts


def _renamed(event: Event, dice: random.Random) -> Event:
    return event | {"sg_event_id": f"{dice.getrandbits(128):032x}"[:22]}


def _delayed(
    events: Iterable[Event], held: list[Event], share: float, dice: random.Random
) -> Iterator[Event]:
    """Hold some events back for a while; what is held at the end stays in `held`."""
    for event in events:
        if held and dice.random() < 0.01:
            yield held.pop(0)
        if share and dice.random() < share:
            held.append(event)
        else:
            yield event


def _batches(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    gathered: list[Event] = []
    for event in events:
        gathered.append(event)
        if len(gathered) == size:
            yield gathered
            gathered = []
    if gathered:
        yield gathered
