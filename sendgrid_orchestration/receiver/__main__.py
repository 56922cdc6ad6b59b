"""`python -m sendgrid_orchestration.receiver`: take posts as the settings say, until it is told to stop."""

from __future__ import annotations

import logging
import sys

from sendgrid_orchestration.receiver.server import serve
from sendgrid_orchestration.settings import SettingsError, load_settings


def main() -> None:
    """Read the settings and serve."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        serve(load_settings())
    except SettingsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
