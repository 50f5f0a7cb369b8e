"""A file of flags: which format it has, and what it holds for which environment (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dashboard.flags import unleash, unleash_reading, wire
from dashboard.flags.exact import MAX_FILE, Refused, places_in
from dashboard.flags.wire import Document

Format = Literal["flagd", "unleash"]
MAX_FLAGS = 50_000
EACH = "*"
NEITHER = "This is no file of flags: flagd's has “flags”, Unleash's has “features”."


@dataclass(frozen=True)
class Import:
    """`documents`: environment that the file names (empty: it names none) → its flags. `notes`: what was left out."""

    format: Format
    documents: Mapping[str, Document]
    notes: tuple[str, ...] = ()


def read_import(text: str, format_: Format | None = None) -> Import:
    """Raises Refused when nothing of it can be read."""
    document = wire.read_text(text)
    found = format_ or _format_of(document)
    _check_size(document)
    if found == "flagd":
        return Import(found, {"": wire.read_flagd(document, lambda: places_in(text))})
    if not unleash_reading.is_unleash(document):
        raise Refused("An Unleash file is an object with a list of “features”.")
    file = unleash_reading.read_file(document, places_in(text))
    archived = f"{file.archived:,} archived feature{'s were' if file.archived > 1 else ' was'} left out."
    return Import(found, unleash.documents(file), (archived,) if file.archived else ())


def text_of(content: bytes, name: str = "The file") -> str:
    """Raises Refused, with the line."""
    if len(content) > MAX_FILE:
        raise Refused(f"{name} is larger than {MAX_FILE // 1_000_000} MB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{name} is not a text in UTF-8.", content.count(b"\n", 0, error.start) + 1) from None


def _format_of(document: Any) -> Format:
    if unleash_reading.is_unleash(document):
        return "unleash"
    if isinstance(document, dict) and "flags" in document:
        return "flagd"
    raise Refused(NEITHER)


def _check_size(document: Any) -> None:
    rows = (document.get("flags") or document.get("features") or ()) if isinstance(document, dict) else ()
    if isinstance(rows, dict | list) and len(rows) > MAX_FLAGS:
        raise Refused(f"The file holds more than {MAX_FLAGS:,} flags.")


def chosen(found: Import, target: str, source: str = "") -> list[tuple[str, Document]]:
    """(environment here, its flags): all that the file names for EACH, else one of them. Raises Refused."""
    names = list(found.documents)
    if not names:
        raise Refused("The file holds no flag that is set in any environment.")
    if target == EACH:
        if "" in names:
            raise Refused("The file names no environment: choose one.")
        return [(name.lower(), document) for name, document in found.documents.items()]
    wanted = source or (names[0] if len(names) == 1 else target)
    if wanted not in found.documents:
        raise Refused(
            f"The file holds {', '.join(name or 'one environment without a name' for name in names)}: choose one."
        )
    return [(target, found.documents[wanted])]
