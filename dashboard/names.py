"""Names of relations as addresses carry them: `schema.table`, with dots, slashes and tildes inside a name escaped."""

import re

from dashboard.errors import NotFound

_ESCAPES = {".": "~2E", "/": "~2F", "~": "~7E"}
_RAW = {escaped: raw for raw, escaped in _ESCAPES.items()}
_SPECIAL = re.compile(r"[./~]")
_ESCAPED = re.compile(r"~2E|~2F|~7E")
_PART = re.compile(r"(?:[^./~\x00]|~2E|~2F|~7E)+\Z")


def encode(schema: str, name: str) -> str:
    """`("app", "v1.orders")` → `app.v1~2Eorders`; each relation has exactly one address."""
    return f"{_encode(schema)}.{_encode(name)}"


def decode(address: str) -> tuple[str, str]:
    """Schema and name behind an address that `encode` made. Raises NotFound for anything else."""
    parts = address.split(".")
    if len(parts) != 2 or not all(_PART.match(part) for part in parts):
        raise NotFound(
            "A table's address is written schema.table; dots, slashes and tildes inside a name as ~2E, ~2F, ~7E."
        )
    return _decode(parts[0]), _decode(parts[1])


def _encode(name: str) -> str:
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], name)


def _decode(part: str) -> str:
    return _ESCAPED.sub(lambda match: _RAW[match[0]], part)
