"""The pools from which contacts are drawn: names, places, mailbox domains, values of custom fields."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

FIRST_NAMES: tuple[tuple[str, str], ...] = (
    ("Ada", "ada"), ("Aisha", "aisha"), ("Alejandro", "alejandro"), ("Amélie", "amelie"), ("Ana", "ana"),
    ("Benjamin", "benjamin"), ("Björn", "bjoern"), ("Carla", "carla"), ("Chen", "chen"), ("Chloé", "chloe"),
    ("Daniel", "daniel"), ("Diego", "diego"), ("Emeka", "emeka"), ("Emma", "emma"), ("Fatima", "fatima"),
    ("Felix", "felix"), ("Giulia", "giulia"), ("Grace", "grace"), ("Hana", "hana"), ("Hiroshi", "hiroshi"),
    ("Ines", "ines"), ("Ivan", "ivan"), ("Jack", "jack"), ("Jana", "jana"), ("José", "jose"),
    ("Julia", "julia"), ("Kai", "kai"), ("Katarzyna", "katarzyna"), ("Lars", "lars"), ("Leila", "leila"),
    ("Liam", "liam"), ("Lucía", "lucia"), ("Łukasz", "lukasz"), ("Maria", "maria"), ("Mateo", "mateo"),
    ("Mei", "mei"), ("Mohammed", "mohammed"), ("Nadia", "nadia"), ("Noah", "noah"), ("Nora", "nora"),
    ("Olga", "olga"), ("Oliver", "oliver"), ("Olumide", "olumide"), ("Paul", "paul"), ("Priya", "priya"),
    ("Rafael", "rafael"), ("Rosa", "rosa"), ("Samuel", "samuel"), ("Sara", "sara"), ("Søren", "soren"),
    ("Sofia", "sofia"), ("Tariq", "tariq"), ("Tomás", "tomas"), ("Uma", "uma"), ("Valentina", "valentina"),
    ("Viktor", "viktor"), ("Wei", "wei"), ("Yara", "yara"), ("Yuki", "yuki"), ("Yusuf", "yusuf"),
    ("Zoë", "zoe"), ("Zofia", "zofia"), ("", "info"), ("", "hello"),
)  # fmt: skip
"""First name as written, and as it stands in an address. A few contacts have given none."""

LAST_NAMES: tuple[tuple[str, str], ...] = (
    ("Abebe", "abebe"), ("Andersen", "andersen"), ("Bauer", "bauer"), ("Becker", "becker"), ("Bianchi", "bianchi"),
    ("Brown", "brown"), ("Castillo", "castillo"), ("Chowdhury", "chowdhury"), ("Costa", "costa"), ("Dubois", "dubois"),
    ("Eriksson", "eriksson"), ("Fernández", "fernandez"), ("Fischer", "fischer"), ("García", "garcia"),
    ("Haddad", "haddad"), ("Hansen", "hansen"), ("Ito", "ito"), ("Jansen", "jansen"), ("Johnson", "johnson"),
    ("Kaya", "kaya"), ("Khan", "khan"), ("Kim", "kim"), ("Kowalski", "kowalski"), ("Kumar", "kumar"),
    ("Lambert", "lambert"), ("Li", "li"), ("Lopez", "lopez"), ("Martin", "martin"), ("Mbeki", "mbeki"),
    ("Meyer", "meyer"), ("Müller", "mueller"), ("Nakamura", "nakamura"), ("Ng", "ng"), ("Novák", "novak"),
    ("O'Brien", "obrien"), ("Okafor", "okafor"), ("Osei", "osei"), ("Papadopoulos", "papadopoulos"),
    ("Patel", "patel"), ("Pereira", "pereira"), ("Petrov", "petrov"), ("Quispe", "quispe"), ("Reyes", "reyes"),
    ("Rossi", "rossi"), ("Sánchez", "sanchez"), ("Sato", "sato"), ("Schmidt", "schmidt"), ("Silva", "silva"),
    ("Singh", "singh"), ("Smith", "smith"), ("Svensson", "svensson"), ("Tanaka", "tanaka"), ("Taylor", "taylor"),
    ("Tran", "tran"), ("Vargas", "vargas"), ("Virtanen", "virtanen"), ("Wagner", "wagner"), ("Walker", "walker"),
    ("Wang", "wang"), ("Williams", "williams"), ("Wójcik", "wojcik"), ("Yilmaz", "yilmaz"), ("Zhang", "zhang"),
    ('van "Rex" Dijk', "vandijk"),
)  # fmt: skip
"""One of them has quotation marks in it: what exports a CSV must quote them, and what reads it must cope."""


class City(NamedTuple):
    """A place that an address names."""

    city: str
    region: str
    country: str
    postal_code: str
    utc_offset: int


CITIES: tuple[City, ...] = (
    City("Berlin", "BE", "Germany", "10115", 1), City("München", "BY", "Germany", "80331", 1),
    City("London", "England", "United Kingdom", "EC1A 1BB", 0), City("Leeds", "England", "United Kingdom", "LS1 4AP", 0),
    City("Paris", "Île-de-France", "France", "75001", 1), City("Lyon", "Auvergne-Rhône-Alpes", "France", "69001", 1),
    City("Madrid", "Comunidad de Madrid", "Spain", "28001", 1), City("Lisboa", "Lisboa", "Portugal", "1100-048", 0),
    City("Milano", "MI", "Italy", "20121", 1), City("Amsterdam", "NH", "Netherlands", "1012 JS", 1),
    City("Warszawa", "Mazowieckie", "Poland", "00-001", 1), City("Stockholm", "Stockholm", "Sweden", "111 20", 1),
    City("New York", "NY", "United States", "10001", -5), City("Denver", "CO", "United States", "80202", -7),
    City("Chicago", "IL", "United States", "60601", -6), City("Austin", "TX", "United States", "73301", -6),
    City("San Francisco", "CA", "United States", "94103", -8), City("Toronto", "ON", "Canada", "M5H 2N2", -5),
    City("Montréal", "QC", "Canada", "H2Y 1C6", -5), City("São Paulo", "SP", "Brazil", "01310-100", -3),
    City("Buenos Aires", "CABA", "Argentina", "C1002", -3), City("Ciudad de México", "CDMX", "Mexico", "06000", -6),
    City("Lagos", "LA", "Nigeria", "100001", 1), City("Nairobi", "Nairobi", "Kenya", "00100", 3),
    City("Mumbai", "MH", "India", "400001", 5), City("Bengaluru", "KA", "India", "560001", 5),
    City("Singapore", "", "Singapore", "049213", 8), City("Tokyo", "Tokyo", "Japan", "100-0001", 9),
    City("Sydney", "NSW", "Australia", "2000", 10), City("Auckland", "", "New Zealand", "1010", 12),
    City("", "", "", "", 0), City("", "", "", "", 0),
)  # fmt: skip

CORPORATE_DOMAINS: tuple[str, ...] = (
    "northwind.example", "acme-industries.example", "globex.example", "initech.example",
    "umbrella-health.example", "stark-logistics.example", "wayne-foundation.example", "hooli.example",
)  # fmt: skip

MAILBOX_SHARES: tuple[tuple[str, int], ...] = (
    ("gmail.com", 380), ("yahoo.com", 130), ("outlook.com", 70), ("hotmail.com", 80), ("icloud.com", 90),
    ("me.com", 15), ("aol.com", 30), ("gmx.de", 45), ("web.de", 32),
    *((domain, 16) for domain in CORPORATE_DOMAINS),
)  # fmt: skip
"""Where a thousand contacts have their mailbox."""

MAILBOXES: tuple[str, ...] = tuple(domain for domain, share in MAILBOX_SHARES for _ in range(share))

_FIRST_DAY = date(2019, 1, 1)

TEXT_VALUES: dict[str, tuple[str, ...]] = {
    "plan": ("free", "basic", "plus", "premium", "enterprise"),
    "favourite_category": ("", "shoes", "outdoor", "kitchen", "garden", "books", "café & bar", "日本料理"),
    "notes": (
        "", "", "", "", "", "", 'said "call me later"', "Smith, Jones & Co", "two\nlines", "null", "0", "N/A",
        "naïve façade", "日本語", "tab\there", "=SUM(A1:A9)",
    ),
    "": ("", "email", "partner", "organic search", "trade fair", "yearly", "monthly"),
}  # fmt: skip
"""By the field's name; the last for all others. `notes` has what breaks careless readers: commas, quotation marks, a line
break, other scripts, words that look like nothing."""

NUMBER_VALUES: tuple[str, ...] = (
    "",
    *(str(n) for n in range(0, 400, 7)),
    *(f"{n / 4:.2f}" for n in range(1, 900, 11)),
)

DATE_VALUES: tuple[str, ...] = (
    "",
    *((_FIRST_DAY + timedelta(days=n)).strftime("%Y-%m-%dT00:00:00Z") for n in range(0, 2500, 3)),
)
