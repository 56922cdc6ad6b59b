"""Turns what a person can get wrong into one sentence and an exit code."""

from __future__ import annotations

import sys
from typing import Any

from typer.core import TyperGroup

from sendgrid_orchestration.settings import SettingsError

_TOLD_AS_SENTENCES = (
    "sendgrid_orchestration.alerts",
    "sendgrid_orchestration.cli",
    "sendgrid_orchestration.defs",
    "sendgrid_orchestration.destinations",
    "sendgrid_orchestration.landing",
    "sendgrid_orchestration.load",
    "sendgrid_orchestration.receiver",
    "sendgrid_orchestration.sendgrid",
    "sendgrid_orchestration.settings",
    "sendgrid_orchestration.sync",
    "sendgrid_orchestration.warehouse",
)
"""The exceptions of these rooms are sentences with a remedy; everything else is a fault of ours and shows where."""


class CommandError(Exception):
    """What the person asked for cannot be done; the message says why and what to do."""


class Commands(TyperGroup):
    """A group of commands that ends on a mistake with its sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except (CommandError, SettingsError) as error:
            _end(error)
        except Exception as error:
            if type(error).__module__.startswith(_TOLD_AS_SENTENCES):
                _end(error)
            raise


def _end(error: Exception) -> None:
    print(error, file=sys.stderr)  # noqa: T201
    raise SystemExit(1)
