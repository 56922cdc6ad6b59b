"""What is written from the dbt project's own words: `python -m tests.support.dbt_docs`.

docs/metrics.md comes from the doc blocks, dbt's descriptions of the macros from the comments above them.
"""

from __future__ import annotations

import re
from textwrap import dedent

import yaml

from sendgrid_orchestration.settings import PROJECT_ROOT

BLOCKS = PROJECT_ROOT / "dbt_project" / "models" / "docs"
PAGE = PROJECT_ROOT / "docs" / "metrics.md"
MACROS = PROJECT_ROOT / "dbt_project" / "macros"
MACROS_PAGE = MACROS / "_macros.yml"
GENERIC_TESTS = PROJECT_ROOT / "dbt_project" / "tests" / "generic"
MACRO = re.compile(r"(?:{#((?:(?!#}).)*)#}\s*)?{%-?\s*(macro|test) (\w+)\(", re.DOTALL)
ORDER = (
    "counters", "rates", "clicks", "messages", "audience", "deliverability", "campaigns", "overview", "quality", "events",
)  # fmt: skip

HEAD = """# What every number means

Written from the doc blocks in `dbt_project/models/docs` (`python -m tests.support.dbt_docs`); `dbt docs` and Dagster show the
same text at every column. How the models are built: [models.md](models.md).

- **A message** is one copy of a mail for one recipient. "Unique" counts messages with at least one such event, never people.
- **`sent_date` and `event_date`.** Rates belong to the cohort, the mail that was sent on a day, however late an open
  arrives. Counts by `event_date` are activity of that day; dividing them can give more than 100 %.
- **Human and all.** Opens by machines (`sg_machine_open`) never count as human; clicks are scored. Both stand side by side.
- **Numerators and denominators are columns.** To get the rate of several rows, add up both and divide. Never average rates.
- **Days are UTC**; the send-time heatmap uses the variable `reporting_timezone`.
- **`…_sendgrid`** columns divide as SendGrid's own pages do, to compare with them.
- **Odd input** (late, out of order, twice, without an id, by a wrong clock …): the outcome of each kind, with the unit test that
  proves it, stands in [models.md](models.md#what-happens-to-odd-input).
"""


def render() -> str:
    """The page, as it should be."""
    return HEAD + "".join(_section((BLOCKS / f"{name}.md").read_text(encoding="utf-8")) for name in ORDER)


def render_macros() -> str:
    """The descriptions that `dbt docs` shows, as they should be: what stands above each macro and each generic test.

    dbt keeps a generic test as a macro whose name begins with `test_`.
    """
    macros = [
        {"name": f"test_{name}" if kind == "test" else name, "description": _one_paragraph(comment)}
        for file in sorted([*MACROS.glob("*.sql"), *GENERIC_TESTS.glob("*.sql")])
        for comment, kind, name in MACRO.findall(file.read_text(encoding="utf-8"))
    ]
    head = "# Written from the comments above the macros: `python -m tests.support.dbt_docs`.\n"
    return head + yaml.safe_dump(
        {"version": 2, "macros": macros}, sort_keys=False, width=120, allow_unicode=True
    )


def _one_paragraph(comment: str) -> str:
    return " ".join(dedent(comment).split())


def _section(text: str) -> str:
    title, intro = re.match(r"# (.*?)\n(.*?)(?={% docs)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    blocks = re.findall(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", text, re.DOTALL)
    rows = "".join(f"| `{name}` | {body} |\n" for name, body in blocks)
    return f"\n## {title}\n{intro.rstrip()}\n\n| column | meaning |\n|---|---|\n{rows}".replace(
        "\n\n\n", "\n\n"
    )


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    MACROS_PAGE.write_text(render_macros(), encoding="utf-8")
