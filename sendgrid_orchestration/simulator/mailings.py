"""What the account sends: single sends, automations with their steps, and mail from its shop."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

Kind = Literal["single_send", "automation", "transactional"]


@dataclass(frozen=True)
class Template:
    """A design that messages are made from.

    Attributes:
        version_name: what its version is called; nobody names versions, so templates share it.
    """

    id: str
    version_id: str
    name: str
    version_name: str
    subject: str
    generation: Literal["dynamic", "legacy"] = "dynamic"
    hash: str = ""


@dataclass(frozen=True)
class Mailing:
    """Something that goes out to many people, or to one at a time.

    Attributes:
        kind: how it comes to be sent.
        name: how its owner calls it.
        categories: what its messages are tagged with; a lone word goes out as a string where `lone_category` says so.
        links: the addresses in it.
        opens: how well it is opened by people, where 1 is usual.
        clicks: how well it is clicked by those who opened it, where 1 is usual.
        audience: the names of the lists it goes to; everybody where empty.
        when: where in the history it is sent, from 0 to 1 (single sends only).
        weight: its part of all messages of its kind.
        variation: A/B variation, its phase, and the share of the audience that gets it.
    """

    kind: Kind
    id: str
    name: str
    template: Template
    categories: tuple[str, ...]
    links: tuple[str, ...]
    opens: float = 1.0
    clicks: float = 1.0
    audience: tuple[str, ...] = ()
    when: float = 0.0
    weight: float = 1.0
    unsubscribe_group: int | None = None
    lone_category: bool = False
    variation: str = ""
    phase: str = "send"
    share: float = 1.0
    step: int = 0
    custom_args: tuple[tuple[str, str], ...] = ()
    legacy_id: int = 0

    @property
    def is_newsletter(self) -> bool:
        """Whether a legacy account sent this with what it had before it had campaigns."""
        return self.legacy_id == _OLDEST_CAMPAIGN

    @property
    def step_id(self) -> str:
        """The id of this step of an automation."""
        return f"{self.id[:-2]}{self.step:02d}"


@dataclass(frozen=True)
class SingleSend:
    """A single send as the Marketing API tells of it; an A/B test has several mailings."""

    id: str
    name: str
    status: Literal["draft", "scheduled", "triggered"]
    categories: tuple[str, ...]
    mailings: tuple[Mailing, ...]
    when: float
    abtest: dict[str, Any] | None = None


@dataclass(frozen=True)
class UnsubscribeGroup:
    """A group that people can leave without leaving everything."""

    id: int
    name: str
    description: str
    is_default: bool = False


GROUPS: tuple[UnsubscribeGroup, ...] = (
    UnsubscribeGroup(15801, "Newsletter", "Our weekly letter with news and tips", is_default=True),
    UnsubscribeGroup(15802, "Offers", "Sales and special offers"),
    UnsubscribeGroup(15803, "Product updates", "What is new in the app"),
)

_OLDEST_CAMPAIGN = 310_000

UNTITLED = "Untitled Version"
"""What SendGrid calls the version of a template to which nobody gave a name."""

BEST_AMONG_HUMANS = "Product tips: five shortcuts"
"""The single send that people read and clicked most. Machines make another look better."""

BEST_ON_RAW_OPENS = "Weekend flash sale"
"""Goes to people whose mail is opened by Apple's proxy and whose links are tried by scanners."""


@dataclass
class Mailings:
    """Everything that the account sends."""

    seed: int
    single_sends: list[SingleSend] = field(default_factory=list)
    automations: dict[str, tuple[str, list[Mailing]]] = field(default_factory=dict)
    transactional: list[Mailing] = field(default_factory=list)

    @classmethod
    def believable(cls, seed: int) -> Mailings:
        """A shop's mail."""
        made = cls(seed)
        for number, plan in enumerate(_SINGLE_SENDS):
            made.single_sends.append(made._single_send(number, plan))
        made.single_sends.append(made._ab_test(len(_SINGLE_SENDS)))
        for name, status, when in (
            ("Year in review (draft)", "draft", 2.0),
            ("Black Friday warm-up", "scheduled", 1.1),
        ):
            made.single_sends.append(SingleSend(made._uuid(name), name, status, ("promotion",), (), when))  # type: ignore[arg-type]
        for name, steps in _AUTOMATIONS:
            made.automations[made._uuid(name)] = (name, made._steps(name, steps))
        made.transactional = [made._transactional(*row) for row in _TRANSACTIONAL]
        return made

    @property
    def current(self) -> list[Mailing]:
        """What is going out at this moment."""
        return [mailing for mailing in self.bulk if mailing.when >= 1]

    @property
    def bulk(self) -> list[Mailing]:
        """Every mailing that goes out at one moment."""
        return [mailing for send in self.single_sends for mailing in send.mailings]

    @property
    def steps(self) -> list[Mailing]:
        """Every step of every automation."""
        return [step for _, steps in self.automations.values() for step in steps]

    @property
    def templates(self) -> list[Template]:
        """Every template in use, and an old one."""
        used = [mailing.template for mailing in (*self.bulk, *self.steps, *self.transactional)]
        old = Template(
            self._uuid("legacy"), self._uuid("legacy 1"), "Old receipt", UNTITLED, "Receipt", "legacy"
        )
        # Mailings may share one; its list names it once.
        return list({template.id: template for template in (*used, old)}.values())

    @property
    def subjects(self) -> dict[str, str]:
        """Every subject line, by the id of the template or legacy campaign."""
        campaigns = {str(mailing.legacy_id): mailing.template.subject for mailing in self.bulk}
        return campaigns | {template.id: template.subject for template in self.templates}

    @property
    def categories(self) -> list[str]:
        """Every category that was ever used."""
        every = (*self.bulk, *self.steps, *self.transactional)
        return sorted({category for mailing in every for category in mailing.categories})

    def rename_single_send(self, single_send_id: str, name: str) -> None:
        """Give a single send another name; events that are already out keep the old one."""
        for number, send in enumerate(self.single_sends):
            if send.id == single_send_id:
                mailings = tuple(replace(mailing, name=name) for mailing in send.mailings)
                self.single_sends[number] = replace(send, name=name, mailings=mailings)
                return
        raise KeyError(single_send_id)

    def delete_single_send(self, single_send_id: str) -> None:
        """Delete a single send."""
        if all(send.id != single_send_id for send in self.single_sends):
            raise KeyError(single_send_id)
        self.single_sends = [send for send in self.single_sends if send.id != single_send_id]

    def _single_send(self, number: int, plan: _Plan) -> SingleSend:
        categories = ("newsletter",) if plan.group == 0 else ("promotion", "q4")
        mailing = Mailing(
            kind="single_send",
            id=self._uuid(plan.name),
            name=plan.name,
            template=self._template(plan.name),
            categories=categories,
            links=_links(plan.name),
            opens=plan.opens,
            clicks=plan.clicks,
            audience=plan.audience,
            when=plan.when,
            unsubscribe_group=GROUPS[plan.group].id,
            legacy_id=_OLDEST_CAMPAIGN + number,
        )
        return SingleSend(mailing.id, plan.name, "triggered", categories, (mailing,), plan.when)

    def _ab_test(self, number: int) -> SingleSend:
        name, when = "Autumn newsletter (A/B)", 0.62
        identity = self._uuid(name)
        usual = Mailing(
            "single_send", identity, name, self._template(f"{name} A"), ("newsletter",), _links(name), 0.8, 0.8,
            ("Newsletter",), when, unsubscribe_group=GROUPS[0].id, variation="A", phase="test", share=0.15,
            legacy_id=_OLDEST_CAMPAIGN + number,
        )  # fmt: skip
        better = replace(usual, template=self._template(f"{name} B"), opens=1.3, clicks=1.5, variation="B")
        winner = replace(better, phase="send", share=0.7, when=when + 0.01)
        abtest = {
            "type": "subject",
            "winner_criteria": "open",
            "test_percentage": 30,
            "duration": "4h",
            "winning_template_id": better.template.id,
            "winner_selected_at": None,
            "expiration_date": "",
        }
        return SingleSend(identity, name, "triggered", ("newsletter",), (usual, better, winner), when, abtest)

    def _steps(self, name: str, steps: tuple[tuple[str, float, float], ...]) -> list[Mailing]:
        identity = self._uuid(name)
        return [
            Mailing(
                "automation",
                identity,
                name,
                self._template(f"{name}: {subject}"),
                ("lifecycle",),
                _links(subject),
                opens,
                clicks,
                weight=3.0 - number,
                unsubscribe_group=GROUPS[2].id,
                step=number + 1,
            )
            for number, (subject, opens, clicks) in enumerate(steps)
        ]

    def _transactional(
        self,
        name: str,
        categories: tuple[str, ...],
        lone: bool,
        weight: float,
        args: tuple[tuple[str, str], ...],
    ) -> Mailing:
        return Mailing(
            "transactional", "", name, self._template(name, shop=True), categories, _links(name, shop=True), 1.7, 1.4,
            weight=weight, lone_category=lone, custom_args=args,
        )  # fmt: skip

    def _template(self, name: str, *, shop: bool = False) -> Template:
        identity = self._uuid(f"template {name}").replace("-", "")
        digest = hashlib.sha256(f"{self.seed} {name}".encode()).hexdigest()
        # What single sends and automations are made from gets a moment for a name, as real events show.
        minute, second = int(digest[:2], 16) % 60, int(digest[2:4], 16) % 60
        version = UNTITLED if shop else f"Version 2026-01-14T07:{minute:02}:{second:02}.368Z"
        return Template(f"d-{identity}", self._uuid(f"version {name}"), name, version, name, hash=digest)

    def _uuid(self, name: str) -> str:
        digest = hashlib.blake2b(f"{self.seed} {name}".encode(), digest_size=16).digest()
        return str(uuid.UUID(bytes=digest, version=4))


def _links(name: str, *, shop: bool = False) -> tuple[str, ...]:
    slug = "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
    home = "https://shop.northwind.example"
    if shop:
        return (f"{home}/account/orders?utm_source=sendgrid&utm_medium=email", f"{home}/help")
    tags = f"utm_source=sendgrid&utm_medium=email&utm_campaign={slug}"
    return (
        f"{home}/{slug}?{tags}",
        f"{home}/{slug}/more?{tags}&utm_content=button",
        f"{home}/new?{tags}&ref=<header>",
        f"{home}/about-us?{tags}",
    )


class _Plan(NamedTuple):
    """A single send in short; see `Mailing` for what the figures mean. `group` counts in GROUPS."""

    name: str
    when: float
    opens: float
    clicks: float
    audience: tuple[str, ...]
    group: int


_SINGLE_SENDS: tuple[_Plan, ...] = (
    _Plan("Spring collection launch", 0.06, 0.9, 0.8, ("Newsletter",), 0),
    _Plan("Your loyalty points", 0.14, 1.1, 1.1, ("Customers",), 1),
    _Plan("News of the month, no. 41", 0.24, 0.9, 0.7, ("Newsletter",), 0),
    _Plan("Mid-season sale", 0.34, 0.8, 0.9, ("Newsletter", "Customers"), 1),
    _Plan("News of the month, no. 42", 0.46, 0.9, 0.7, ("Newsletter",), 0),
    _Plan(BEST_AMONG_HUMANS, 0.54, 1.7, 2.6, ("Customers",), 0),
    _Plan(BEST_ON_RAW_OPENS, 0.70, 0.35, 0.25, ("App users (iOS)", "Enterprise accounts"), 1),
    _Plan("Invitation: Soirée à Paris", 0.76, 0.8, 0.6, ("Événements Paris",), 0),
    _Plan("News of the month, no. 43", 0.82, 0.85, 0.7, ("Newsletter",), 0),
    _Plan("We changed our terms", 0.90, 0.7, 0.2, (), 0),
    _Plan("Last chance: outdoor week", 0.96, 0.7, 0.7, ("Newsletter",), 1),
    _Plan("News of the month, no. 44", 1.0, 0.9, 0.8, ("Newsletter",), 0),  # going out at this moment
)

_AUTOMATIONS: tuple[tuple[str, tuple[tuple[str, float, float], ...]], ...] = (
    (
        "Welcome series",
        (("Welcome!", 1.6, 1.5), ("Getting started", 1.2, 1.2), ("Your first order", 0.9, 0.9)),
    ),
    ("Win-back", (("We miss you", 0.6, 0.6), ("A last offer", 0.5, 0.7))),
)

_TRANSACTIONAL: tuple[tuple[str, tuple[str, ...], bool, float, tuple[tuple[str, str], ...]], ...] = (
    (
        "Order receipt",
        ("receipt", "billing"),
        False,
        5,
        (("order_id", "A-{n}"), ("environment", "production")),
    ),
    # A custom arg may have a name that SendGrid uses itself; it then shows on events that lack SendGrid's own.
    ("Password reset", ("password-reset",), True, 3, (("user_id", "{n}"), ("type", "email"))),
    ("Shipping notice", ("shipping",), True, 4, (("order_id", "A-{n}"), ("carrier", "Paketdienst Nord"))),
    ("Invoice", ("billing",), False, 1, (("invoice_no", "2026/{n}"), ("status", "paid"))),
    ("Login code", (), True, 2, (("user_id", "{n}"),)),
)
