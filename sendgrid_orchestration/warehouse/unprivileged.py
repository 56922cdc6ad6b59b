"""How root runs Postgres, which refuses to run as root.

First choice is a user namespace: inside it root is an ordinary user, while on disk everything stays root's, so that
nothing needs a new account or wider permissions. Where the system forbids that (plain Docker does), the programs run as
`postgres` or `nobody`, which must then own the data and be able to reach the binaries.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from functools import cache
from pathlib import Path

from sendgrid_orchestration.warehouse.errors import EmbeddedPostgresError


def prefix(folder: Path, binaries: Path) -> list[str]:
    """What stands before a Postgres command so that it does not run as root.

    Args:
        folder: where the command will write; given to the chosen user where there is one.
        binaries: where the Postgres programs are.

    Raises:
        EmbeddedPostgresError: neither way works here.
    """
    if os.geteuid() != 0:
        return []
    owner = folder.stat().st_uid
    if owner == 0 and _namespaces_work():
        return list(_NAMESPACE)
    for user in _candidates(owner):
        command = _become(user)
        if command and _succeeds([*command, "test", "-x", str(binaries / "postgres")]):
            _hand_over(folder, user)
            if _succeeds([*command, "test", "-w", str(folder)]):
                return command
            _hand_over(folder, pwd.getpwuid(owner))
    raise EmbeddedPostgresError(
        "Postgres does not run as root, and here root can neither use a user namespace nor find an account "
        f"(postgres, nobody) that may enter {folder} and {binaries}. Run as an ordinary user, move the project "
        "out of a private directory, or set WAREHOUSE_URL to a Postgres of your own."
    )


_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


@cache
def _namespaces_work() -> bool:
    return shutil.which("unshare") is not None and _succeeds([*_NAMESPACE, "true"])


def _candidates(owner: int) -> list[pwd.struct_passwd]:
    """The user that owns the data since an earlier start, else those that nearly every system has."""
    if owner != 0:
        return [pwd.getpwuid(owner)]
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return [known[name] for name in ("postgres", "nobody") if name in known]


def _become(user: pwd.struct_passwd) -> list[str]:
    if shutil.which("setpriv"):
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
    if shutil.which("runuser"):
        return ["runuser", "-u", user.pw_name, "--"]
    return []


def _hand_over(folder: Path, user: pwd.struct_passwd) -> None:
    os.chown(folder, user.pw_uid, user.pw_gid)
    for path in folder.rglob("*"):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _succeeds(command: list[str]) -> bool:
    return (
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode
        == 0
    )
