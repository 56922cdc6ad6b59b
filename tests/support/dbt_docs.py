"""docs/metrics.md, written from the doc blocks of the dbt project: `python -m tests.support.dbt_docs`."""

from __future__ import annotations

import re

from sendgrid_orchestration.settings import PROJECT_ROOT

BLOCKS = PROJECT_ROOT / "dbt_project" / "models" / "docs"
PAGE = PROJECT_ROOT / "docs" / "metrics.md"
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


def _section(text: str) -> str:
    title, intro = re.match(r"# (.*?)\n(.*?)(?={% docs)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    blocks = re.findall(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", text, re.DOTALL)
    rows = "".join(f"| `{name}` | {body} |\n" for name, body in blocks)
    return f"\n## {title}\n{intro.rstrip()}\n\n| column | meaning |\n|---|---|\n{rows}".replace(
        "\n\n\n", "\n\n"
    )


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
