"""Superset's configuration: one person's Superset on this machine, with its state in SUPERSET_HOME.

Superset finds this file by SUPERSET_CONFIG_PATH and reads its module-level names.
"""

import os
from pathlib import Path

from superset.config import TALISMAN_CONFIG as _TALISMAN

_home = Path(os.environ["SUPERSET_HOME"])

SECRET_KEY = (_home / "secret_key").read_text(encoding="utf-8")
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_home / 'superset.db'}"

LOG_LEVEL = "WARNING"
LOGO_TARGET_PATH = "/superset/dashboard/email-overview/"
# One language means no language menu.
LANGUAGES: dict[str, dict[str, str]] = {}
# The default also admits a tracking pixel and map servers: nothing here leaves the machine.
TALISMAN_CONFIG = {
    **_TALISMAN,
    "content_security_policy": {
        **_TALISMAN["content_security_policy"],
        "img-src": ["'self'", "blob:", "data:"],
        "connect-src": ["'self'"],
    },
}
