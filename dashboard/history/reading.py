"""Read a folder of Alembic revisions from its text alone: no file of it is imported or executed."""

import ast
import hashlib
import io
import os
import re
import stat
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dashboard.history.rules import Finding, Node

MOST_FILES = 5_000
MOST_FILE_BYTES = 1_000_000
MOST_FOLDER_BYTES = 64_000_000
MOST_SOURCE_CHARACTERS = 60_000
MOST_ID_CHARACTERS = 200
MOST_MESSAGE_CHARACTERS = 500
FIELDS = ("revision", "down_revision", "branch_labels", "depends_on")
_CREATED = re.compile(r"^\s*Create Date\s*:\s*(\S.*?)\s*$", re.MULTILINE | re.IGNORECASE)
_AUTHOR = re.compile(r"^\s*(?:Author|Created by)\s*:\s*(\S.*?)\s*$", re.MULTILINE | re.IGNORECASE)
_HEADER = re.compile(r"^\s*(?:Revision ID|Revises|Create Date)\s*:", re.IGNORECASE)


class FolderUnreadable(Exception):  # noqa: N818 - reads as what happened
    """The folder as a whole cannot be read; `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(frozen=True)
class RevisionFile:
    """What a file declares. `down_revisions` is empty for a first revision."""

    revision: str
    down_revisions: tuple[str, ...]
    depends_on: tuple[str, ...]
    labels: tuple[str, ...]
    message: str
    author: str | None
    written_at: datetime | None
    path: str
    source: str

    def node(self) -> Node:
        return Node(self.revision, self.down_revisions, self.depends_on, self.labels)


@dataclass(frozen=True)
class Folder:
    """`signature` changes whenever a file was added, removed or written."""

    path: Path
    files: tuple[tuple[Path, os.stat_result], ...]
    findings: tuple[Finding, ...]
    signature: str


def list_folder(place: str) -> Folder:
    """Find the revision files in `place`, which holds `versions/` or is it. Raises FolderUnreadable."""
    path = _versions(place)
    found, findings = list[tuple[Path, os.stat_result]](), list[Finding]()
    for file in _python_files(path, findings):
        if len(found) == MOST_FILES:
            findings.append(Finding("warn", path.name, f"Only the first {MOST_FILES} files are read."))
            break
        try:
            status = file.stat()
        except OSError as error:
            findings.append(_unreadable(file, path, _why(error)))
            continue
        if not stat.S_ISREG(status.st_mode):
            findings.append(_unreadable(file, path, "it is not a regular file"))
        elif not file.resolve().is_relative_to(path):
            findings.append(_unreadable(file, path, "it is a link that leads out of the folder"))
        else:
            found.append((file, status))
    told = "\n".join(f"{file}:{status.st_mtime_ns}:{status.st_size}:{status.st_ino}" for file, status in found)
    signature = hashlib.sha256(f"{path}\n{told}\n{findings}".encode(errors="replace")).hexdigest()
    return Folder(path, tuple(found), tuple(findings), signature)


def read_folder(folder: Folder) -> tuple[list[RevisionFile], list[Finding]]:
    """Every revision of a folder in the order in which they were written, and what could not be read with why."""
    revisions, findings, read_bytes = list[RevisionFile](), list(folder.findings), 0
    for file, status in folder.files:
        read_bytes += status.st_size
        if read_bytes > MOST_FOLDER_BYTES:
            findings.append(Finding("warn", folder.path.name, "Only the first 64 MB of the folder are read."))
            break
        try:
            revision, doubt = _read(file, folder.path)
        except FolderUnreadable as refused:
            findings.append(_unreadable(file, folder.path, refused.sentence))
            continue
        if revision is not None:
            revisions.append(revision)
        if doubt:
            findings.append(Finding("info", _relative(file, folder.path), doubt))
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(revisions, key=lambda found: (found.written_at or oldest, found.path)), findings


def parse(text: str, path: str) -> tuple[RevisionFile | None, str | None]:
    """The revision that a file's text declares, or None for another Python file; second: a field that is computed.

    Raises SyntaxError, ValueError, RecursionError or MemoryError for text that is no Python of this version.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a doubtful escape in somebody's migration is not our log's business
        module = ast.parse(text)
    fields, computed = _fields(module)
    if "revision" not in fields:
        return None, "Its revision is computed, not written down." if "revision" in computed else None
    if len(identifiers := _texts(fields["revision"])) != 1 or len(identifiers[0]) > MOST_ID_CHARACTERS:
        raise ValueError("its revision is not a short text")
    docstring = _clean(ast.get_docstring(module) or "")
    file = RevisionFile(
        revision=identifiers[0],
        down_revisions=_texts(fields.get("down_revision")),
        depends_on=_texts(fields.get("depends_on")),
        labels=_texts(fields.get("branch_labels")),
        message=_message(docstring) or Path(path).stem.replace("_", " "),
        author=_found(_AUTHOR, docstring),
        written_at=_time(_found(_CREATED, docstring)),
        path=_clean(path),
        source=_clean(text[:MOST_SOURCE_CHARACTERS]),
    )
    return file, f"Computed, so not read: {', '.join(sorted(computed))}." if computed else None


def _versions(place: str) -> Path:
    try:
        path = Path(place).resolve(strict=True)
        if (path / "versions").is_dir():
            path = (path / "versions").resolve(strict=True)
        if not path.is_dir():
            raise FolderUnreadable("This is not a folder.")
        os.scandir(path).close()
    except FileNotFoundError:
        raise FolderUnreadable("There is no such folder on the machine where Pilothouse runs.") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise FolderUnreadable(f"The folder cannot be read: {_why(error)}.") from None
    return path


def _python_files(path: Path, findings: list[Finding]) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        findings.append(_unreadable(Path(error.filename or path), path, _why(error)))

    for folder, folders, files in os.walk(path, onerror=refused):
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith(("__init__", ".")):
                yield Path(folder, name)


def _read(file: Path, folder: Path) -> tuple[RevisionFile | None, str | None]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_FILE_BYTES + 1)
        if len(raw) > MOST_FILE_BYTES:
            raise FolderUnreadable("it is larger than 1 MB")
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return parse(raw.decode(encoding), _relative(file, folder))
    except OSError as error:
        raise FolderUnreadable(_why(error)) from None
    except UnicodeDecodeError:
        raise FolderUnreadable("its text is not in the encoding that it declares") from None
    except SyntaxError as error:
        raise FolderUnreadable(f"it is not valid Python (line {error.lineno or 1})") from None
    except (ValueError, RecursionError, MemoryError) as error:
        said = str(error) if str(error).startswith("its ") else "its text cannot be understood"
        raise FolderUnreadable(said) from None


def _fields(module: ast.Module) -> tuple[dict[str, object], set[str]]:
    """The values that a module assigns to Alembic's names, and which of them are not literals."""
    values, computed = dict[str, object](), set[str]()
    for statement in module.body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names = [name]
            case _:
                continue
        try:
            literal = values[value.id] if isinstance(value, ast.Name) else ast.literal_eval(value)
        except (KeyError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            computed.update(names)
            continue
        values.update(dict.fromkeys(names, literal))
        computed.difference_update(names)
    return values, computed & set(FIELDS)


def _texts(value: object) -> tuple[str, ...]:
    """Alembic takes one text, a collection of them, or None."""
    if isinstance(value, str):
        return (_clean(value),) if value else ()
    if isinstance(value, list | tuple | set | frozenset):
        texts = (_clean(item) for item in value if isinstance(item, str) and item)
        return tuple(sorted(texts) if isinstance(value, set | frozenset) else texts)
    return ()


def _message(docstring: str) -> str:
    """The first paragraph, as Alembic reads it; nothing when the docstring starts with the header lines."""
    paragraph = docstring.strip().split("\n\n")[0]
    lines = [line.strip() for line in paragraph.splitlines() if not _HEADER.match(line)]
    return " ".join(lines).strip()[:MOST_MESSAGE_CHARACTERS]


def _found(pattern: re.Pattern[str], docstring: str) -> str | None:
    match = pattern.search(docstring)
    return match[1][:MOST_ID_CHARACTERS] if match else None


def _time(text: str | None) -> datetime | None:
    """Alembic writes the local time of whoever created the file, mostly without a zone; then UTC is assumed."""
    try:
        at = datetime.fromisoformat(text) if text else None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC) if at else None
    except (ValueError, OverflowError):
        return None


def _clean(text: str) -> str:
    """Text that PostgreSQL stores: without NUL and lone surrogates."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _relative(file: Path, folder: Path) -> str:
    return _clean(str(file.relative_to(folder)) if file.is_relative_to(folder) else file.name)


def _unreadable(file: Path, folder: Path, why: str) -> Finding:
    return Finding("warn", _relative(file, folder), f"This file was not read: {why}.")


def _why(error: Exception) -> str:
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else "its name cannot be used"
