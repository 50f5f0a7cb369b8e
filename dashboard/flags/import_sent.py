"""What the pages of an import are sent: a file, a text, or the text of the preview once more (pure).

The preview gives the text back to the form that it shows, packed: nothing is kept on the server between the two, and
what is imported is what was looked at or nothing.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from dashboard.flags.exact import MAX_FILE, Refused
from dashboard.flags.import_reading import Format, text_of

FORMATS = ("flagd", "unleash")
LARGEST_FORM = 2 * MAX_FILE
INCOMPLETE = "The form is incomplete. Choose the file again."


@dataclass(frozen=True)
class Sent:
    """`environment` to import into, `source`: which one of the file."""

    text: str
    environment: str
    source: str
    format: Format | None


def sent(form: Mapping[str, str], content: bytes, name: str) -> Sent:
    """A file comes before a text that was typed. Raises Refused."""
    text = form.get("text", "")
    if content:
        text = text_of(content, name or "The file")
    elif form.get("kept"):
        text = unpacked(form["kept"])
    if not text.strip():
        raise Refused("Choose a file, or paste what it says.")
    format_ = form.get("format", "")
    known = cast(Format, format_) if format_ in FORMATS else None
    return Sent(text.removeprefix("\ufeff"), form.get("environment", ""), form.get("source", ""), known)


def packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode())).decode()


def unpacked(kept: str) -> str:
    """Raises Refused."""
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(base64.b64decode(kept, validate=True), MAX_FILE + 1)
    except (binascii.Error, ValueError, zlib.error):
        raise Refused(INCOMPLETE) from None
    if not unpacking.eof:
        raise Refused(INCOMPLETE)
    return text_of(content)
