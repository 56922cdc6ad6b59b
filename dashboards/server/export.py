"""Runs inside Superset's environment: print its datasets, charts and dashboards as a JSON object of file names and contents."""

import json
import sys

from superset.app import create_app


def main() -> None:
    """Everything that the dashboards are made of, as Superset's own export writes it."""
    with create_app().app_context():
        from superset import security_manager  # noqa: PLC0415
        from superset.commands.dashboard.export import ExportDashboardsCommand  # noqa: PLC0415
        from superset.daos.dashboard import DashboardDAO  # noqa: PLC0415
        from superset.utils.core import override_user  # noqa: PLC0415

        with override_user(security_manager.find_user(username="admin")):
            ids = [dashboard.id for dashboard in DashboardDAO.find_all()]
            json.dump({name: content() for name, content in ExportDashboardsCommand(ids).run()}, sys.stdout)


if __name__ == "__main__":
    main()
