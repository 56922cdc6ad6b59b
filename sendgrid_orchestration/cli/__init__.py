"""The commands a person types. Each calls a room; none holds logic that a room could hold.

A person's mistake is answered with one sentence on stderr and exit code 1, never with a traceback.
"""

from __future__ import annotations

from sendgrid_orchestration.cli.app import app

__all__ = ["app"]
