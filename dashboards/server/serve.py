"""Runs inside Superset's environment: prepare its metadata, import the assets, serve until told to stop.

One process does all of it, because loading Superset takes seconds and each of its own commands would load it again.
What has been done is noted in SUPERSET_HOME and not done twice. The assets come in through standard input, as a JSON
object of file names and contents, so that the warehouse's password in them touches no disk of ours (Superset keeps it
encrypted). Superset's modules are imported inside the functions: many read the application's configuration while they
load.
"""

import argparse
import gc
import hashlib
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flask_migrate
from flask import Flask
from gunicorn.app.base import BaseApplication
from superset.app import create_app

ADMIN = "admin"


def main() -> None:
    """Prepare and serve."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    port = arguments.parse_args().port
    home = Path(os.environ["SUPERSET_HOME"])
    assets: dict[str, str] = json.load(sys.stdin)
    app = create_app()
    with app.app_context():
        done = Done(home / "done.json")
        done.once("metadata", version("apache-superset"), lambda: prepare_metadata(home))
        fingerprint = hashlib.sha256(json.dumps(assets, sort_keys=True).encode()).hexdigest()
        done.once("assets", fingerprint, lambda: import_assets(assets))
    # Superset's hundred thousands of objects are here to stay: shared by the workers, and not sorted out at the end.
    gc.freeze()
    Server(app, port).run()


class Done:
    """What has been done before, and for which version of its input."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._noted: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def once(self, step: str, version: str, do: Any) -> None:
        """Do it unless it was done for this version; note it when it went well."""
        if self._noted.get(step) != version:
            do()
            self._noted[step] = version
            self._file.write_text(json.dumps(self._noted, indent=2), encoding="utf-8")


def prepare_metadata(home: Path) -> None:
    """Superset's own tables, permissions, roles and one user: `superset db upgrade`, `init`, `fab create-admin`."""
    from superset import appbuilder, security_manager  # noqa: PLC0415
    from superset.extensions import db  # noqa: PLC0415

    flask_migrate.upgrade()
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    db.session.commit()
    if not security_manager.find_user(username=ADMIN):
        security_manager.add_user(
            ADMIN,
            "Dashboards",
            "Admin",
            "admin@localhost",
            security_manager.find_role("Admin"),
            password=(home / "admin_password").read_text(encoding="utf-8"),
        )


def import_assets(assets: dict[str, str]) -> None:
    """Bring databases, datasets, charts and dashboards to what the files say.

    `superset import-directory` would do nearly the same, but ends well when the files are wrong and leaves a chart on a
    dashboard that no longer names it; this is the command behind Superset's API for assets under version control.
    """
    from superset import security_manager  # noqa: PLC0415
    from superset.commands.importers.v1.assets import ImportAssetsCommand  # noqa: PLC0415
    from superset.utils.core import override_user  # noqa: PLC0415

    with override_user(security_manager.find_user(username=ADMIN)):
        ImportAssetsCommand(assets).run()


class Server(BaseApplication):
    """Gunicorn around the application that is already loaded."""

    def __init__(self, app: Flask, port: int) -> None:
        self._app = app
        self._port = port
        super().__init__()

    def load_config(self) -> None:
        """Two processes: a dashboard asks for a dozen charts at once, and shaping an answer is work for one core."""
        settings = {
            "bind": f"127.0.0.1:{self._port}",
            "workers": 2,
            "threads": 6,
            "timeout": 120,
            "loglevel": "warning",
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self._app


if __name__ == "__main__":
    main()
