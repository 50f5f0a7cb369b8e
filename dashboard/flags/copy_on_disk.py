"""What a process knows of flags and their keys, on this machine's disk, for one that starts while the store is away.

The file is ours alone (0600), replaced whole, and signed with SECRET_KEY together with the store's address: one that
was cut, changed by others or made for another store is refused. It is touched while it holds, so its time is its age.
It is written by a thread of its own: no change and no question waits for the disk. Flags are in it as they stand in
flagd's document, so that a change costs its own flag and the joining of the others.
"""

import contextlib
import hashlib
import hmac
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy.engine import make_url

from dashboard.flags.flagset import Common, FlagSet, ReadyFlag
from dashboard.flags.rules import definition_of

log = logging.getLogger(__name__)
NAME = "flags.copy"
VERSION = "2"
WRITE_EVERY_S = 5.0
LEFT_OVER_S = 60.0
COMPLAIN_EVERY_S = 60.0
KEY_COLUMNS = ("id", "name", "role", "kind", "environment_id", "browser", "origins")
REFUSED = "it was cut, changed, or made for another store, SECRET_KEY or version"


@dataclass(frozen=True)
class Kept:
    sets: Mapping[int, FlagSet]
    keys: Sequence[Any]
    age_s: float


class CopyOnDisk:
    def __init__(self, folder: Path, secret_key: str, database_url: str) -> None:
        self.path = folder / NAME
        url = make_url(database_url)
        purpose = f"flags-copy {VERSION} {url.host} {url.port} {url.database} {url.query.get('host', '')}"
        self._signing_key = hmac.digest(secret_key.encode(), purpose.encode(), "sha256")
        self._known: object = None
        self._due_s = self._quiet_until_s = 0.0
        self._writing: threading.Thread | None = None

    def keep(self, sets: Mapping[int, FlagSet], keys: Sequence[Any]) -> None:
        """Write what changed, at most every few seconds; a disk that takes nothing keeps the file that was there."""
        now_s = time.monotonic()
        if now_s < self._due_s or (self._writing and self._writing.is_alive()):
            return
        self._due_s = now_s + WRITE_EVERY_S
        self._writing = threading.Thread(target=self.write, args=(sets, keys), name="flags-copy", daemon=True)
        self._writing.start()

    def write(self, sets: Mapping[int, FlagSet], keys: Sequence[Any]) -> None:
        rows = [_packed_key(row) for row in keys]
        known = ([(key, flags.environment, flags.revision) for key, flags in sets.items()], rows)
        try:
            if known != self._known or not self.path.exists():
                self._write(_packed(sets, rows))
            else:
                os.utime(self.path)
            self._known = known
        except OSError as error:
            self._complain(logging.WARNING, "the copy of the flags at %s was not written: %s", error.strerror)

    def read(self) -> Kept | None:
        """None when there is no copy, or none that may be trusted."""
        try:
            head, _, body = self.path.read_bytes().partition(b"\n")
            age_s = max(0.0, time.time() - self.path.stat().st_mtime)
        except OSError as error:
            self._complain(logging.WARNING, "there is no copy of the flags at %s: %s", error.strerror)
            return None
        if not hmac.compare_digest(head, self._head(body)):
            self._complain(logging.ERROR, "the copy of the flags at %s is not used: %s", REFUSED)
            return None
        kept = json.loads(body)
        sets = {number: _unpacked(flags) for number, flags in kept["sets"]}
        return Kept(sets, [_unpacked_key(row) for row in kept["keys"]], age_s)

    def _clear_up(self) -> None:
        """What processes left behind that were killed while they wrote."""
        for path in self.path.parent.glob(f".{NAME}-*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > LEFT_OVER_S:
                    path.unlink()

    def _complain(self, level: int, sentence: str, reason: str | None) -> None:
        if time.monotonic() >= self._quiet_until_s:
            self._quiet_until_s = time.monotonic() + COMPLAIN_EVERY_S
            log.log(level, sentence, self.path, reason)

    def _head(self, body: bytes) -> bytes:
        return f"pilothouse-flags {VERSION} {hmac.new(self._signing_key, body, hashlib.sha256).hexdigest()}".encode()

    def _write(self, body: bytes) -> None:
        """Every web process of this machine keeps the same file; whoever finds it as wanted only touches it."""
        head = self._head(body)
        with contextlib.suppress(FileNotFoundError), self.path.open("rb") as found:
            if found.readline().rstrip(b"\n") == head:
                os.utime(self.path)
                return
        self._clear_up()
        descriptor, name = tempfile.mkstemp(prefix=f".{NAME}-", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(head + b"\n" + body)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


def _packed(sets: Mapping[int, FlagSet], keys: Sequence[dict[str, Any]]) -> bytes:
    written = ",".join(f"[{number},{_packed_set(flags)}]" for number, flags in sets.items())
    return f'{{"sets":[{written}],"keys":{json.dumps(keys)}}}'.encode()


def _packed_set(flags: FlagSet) -> str:
    """Flag by flag: written at once it would keep every other thread waiting."""
    common = {field.name: getattr(flags.common, field.name) for field in fields(flags.common)}
    head = json.dumps({"environment": flags.environment, "revision": flags.revision, "common": common})
    lines = ",".join([f'["{flag.key}","{flag.type}",{flag.line}]' for flag in flags.flags.values()])
    return f'{head[:-1]},"flags":[{lines}]}}'


def _unpacked(kept: dict[str, Any]) -> FlagSet:
    common = Common(**kept["common"])
    flags = {key: ReadyFlag(key, type_, definition_of(document), common) for key, type_, document in kept["flags"]}
    return FlagSet(kept["environment"], kept["revision"], flags, common)


def _packed_key(row: Any) -> dict[str, Any]:
    ends = row.expires_at.isoformat() if row.expires_at else None
    return {name: getattr(row, name) for name in KEY_COLUMNS} | {"hash": bytes(row.key_hash).hex(), "ends": ends}


def _unpacked_key(kept: dict[str, Any]) -> Any:
    row = SimpleNamespace(**{name: kept[name] for name in KEY_COLUMNS}, unused=False)
    row.key_hash = bytes.fromhex(kept["hash"])
    row.expires_at = datetime.fromisoformat(kept["ends"]) if kept["ends"] else None
    return row
