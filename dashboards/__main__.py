"""Email dashboards in Superset: install what is missing, import the assets, start, and say where to look."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from dashboards import bundle, connection, environment, export, launch
from sendgrid_orchestration.cli.demo import FOLDER as DEMO
from sendgrid_orchestration.settings import Settings, SettingsError, config_path, load_settings
from sendgrid_orchestration.warehouse.errors import EmbeddedPostgresError, WarehouseUnreachableError

PORT = 8088
FIRST_PAGE = "/superset/dashboard/email-overview/"

EXPECTED = (
    SettingsError,
    EmbeddedPostgresError,
    WarehouseUnreachableError,
    connection.NothingToShowError,
    environment.EnvironmentMissingError,
    launch.SupersetError,
)
"""What a person can put right: told as a sentence, without a traceback."""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"where to listen on 127.0.0.1 (default {PORT})"
    )
    parser.add_argument(
        "--export", action="store_true", help="write what was changed in the browser back into assets/"
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE.zip",
        help="write what a Superset of your own imports; start none",
    )
    arguments = parser.parse_args()
    # A service manager's way to say Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings, home = _settings()
        if arguments.export:
            changed = export.write_back(launch.exported(home))
            _say("\n".join(changed) or "Nothing has changed.")
            return 0
        assets = _assets(settings)
        if arguments.bundle:
            arguments.bundle.write_bytes(bundle.to_zip(assets))
            arguments.bundle.chmod(0o600)
            _say(
                f"Wrote {arguments.bundle}. It holds the password of the read-only role: import it, then delete it."
            )
        else:
            _show(home, assets, arguments.port)
    except EXPECTED as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("Stopped.")
    return 0


def _settings() -> tuple[Settings, Path]:
    """The settings, and Superset's folder. Who has configured nothing yet sees the demo, if it has been run."""
    demo = DEMO / "sendgrid.yaml"
    configured = config_path().is_file() or os.environ.get("WAREHOUSE_URL")
    if configured or not demo.is_file():
        settings = load_settings()
        return settings, settings.data_dir / "dashboards"
    _say("There is no sendgrid.yaml here: these are the demo's dashboards.")
    os.environ["SENDGRID_CONFIG"] = str(demo)
    # Each demo empties its folder; preparing Superset again would take a minute.
    return load_settings(), DEMO.with_name("demo-dashboards")


def _assets(settings: Settings) -> dict[str, str]:
    url, branches = connection.connect(settings, bundle.marts())
    absent = {source.label for source in settings.sources} - {branch.label for branch in branches}
    if absent:
        _say(f"Not shown, because their marts are not built yet: {', '.join(sorted(absent))}.")
    return bundle.render(connection.sqlalchemy_uri(url), branches)


def _show(home: Path, assets: dict[str, str], wanted_port: int) -> None:
    port = launch.free_port(wanted_port)
    if port != wanted_port:
        _say(f"Port {wanted_port} is taken by another program; using {port}.")
    with launch.running(home, assets, port, say=_say) as superset:
        # A terminal is one person's; a log is read by others.
        password = (
            superset.password_file.read_text(encoding="utf-8")
            if os.isatty(1)
            else f"in {superset.password_file}"
        )
        _say(
            f"\n  Dashboards  {superset.url}{FIRST_PAGE}\n  User        {superset.user}\n  Password    {password}\n"
        )
        _say("Ctrl-C stops it.")
        superset.wait()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
