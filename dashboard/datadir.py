"""What lies in the data folder besides the cluster: folders, secrets that are made once, locks."""

import contextlib
import fcntl
import os
import secrets
import tempfile
from pathlib import Path
from typing import IO

from dashboard.settings import SettingsError


def made_folder(folder: Path, mode: int) -> Path:
    """Make a folder with exactly this mode; one that is there already keeps its own."""
    try:
        folder.mkdir()
    except FileExistsError:
        return folder
    folder.chmod(mode)
    return folder


def made_data_dir(folder: Path) -> Path:
    """Ours alone; as root others may pass, because PostgreSQL runs as a system user and needs its part of it."""
    try:
        for parent in reversed(folder.parents):
            made_folder(parent, 0o755)
        made_folder(folder, 0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise SettingsError([f"PILOTHOUSE_DATA_DIR: {folder} cannot be made ({error.strerror})"]) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError([f"PILOTHOUSE_DATA_DIR: {folder} cannot be written by this user"])
    return folder


def kept_secret(path: Path) -> str:
    """The secret in this file (0600), made on first use; linked into place whole, so that a kill leaves no half."""
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()


def appended(path: Path) -> IO[bytes]:
    """A file of ours alone, open for appending."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def locked(path: Path, how: int = fcntl.LOCK_EX) -> IO[bytes]:
    """An open file with a lock that ends with it, also when the process is killed."""
    file = appended(path)
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        file.close()
        raise
    return file
