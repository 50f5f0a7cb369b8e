"""Which contexts that applications send are noticed, how many at most, and what is left out of them (pure)."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

LOOKS = 20
MOST_BYTES = 2_000
MOST_LEVELS = 10
LEFT_OUT = "***"
SECRET = re.compile(
    r"passw(or)?d|passphrase|passcode|secret|token|api_?-?key|(private|access)_?key|credential|authorization|cookie",
    re.IGNORECASE,
)


class Noticed(NamedTuple):
    """A context as JSON; `digest` is the same for one whose attributes stand in another order."""

    environment_id: int
    digest: str
    context: str


class Notebook:
    """What one process noticed since it was asked last: the first few of every environment that keeps contexts.

    Nothing is noticed for the others, which is the usual case and costs the look into an empty dictionary. Threads may
    note at the same time: one more or less is no harm.
    """

    def __init__(self) -> None:
        self._room: dict[int, int] = {}
        self._seen: list[tuple[int, Mapping[str, Any]]] = []

    def note(self, environment_id: int | None, sent: Mapping[str, Any], size: int) -> None:
        """`size`: the bytes of the request."""
        room = self._room
        if not room or environment_id is None:
            return
        left = room.get(environment_id)
        if left and sent and size <= MOST_BYTES:
            room[environment_id] = left - 1
            self._seen.append((environment_id, sent))

    def taken(self, environment_ids: Iterable[int]) -> list[Noticed]:
        """What was noticed in these environments, each once; from now on these are the ones that are looked at."""
        seen, self._seen, kept = self._seen, [], set(environment_ids)
        self._room = dict.fromkeys(kept, LOOKS)
        found = (noticed_of(number, sent) for number, sent in seen if number in kept)
        distinct = {(one.environment_id, one.digest): one for one in found if one}
        return [distinct[key] for key in sorted(distinct)]


def noticed_of(environment_id: int, sent: Mapping[str, Any]) -> Noticed | None:
    """None for what is too large, too deep, or cannot be written as JSON."""
    try:
        shown = without_secrets(sent)
        context = json.dumps(shown, ensure_ascii=False, allow_nan=False)
        digest = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()
        if len(context.encode()) <= MOST_BYTES:
            return Noticed(environment_id, digest, context)
    except (ValueError, RecursionError):
        return None
    return None


def without_secrets(sent: Mapping[str, Any], levels: int = MOST_LEVELS) -> dict[str, Any]:
    """Attributes whose name speaks of a secret lose their value. Raises ValueError for what nests too deeply."""
    return {name: LEFT_OUT if SECRET.search(name) else _plain(value, levels) for name, value in sent.items()}


def _plain(value: Any, levels: int) -> Any:
    if not levels:
        raise ValueError("nested too deeply")
    if isinstance(value, list):
        return [_plain(item, levels - 1) for item in value]
    return without_secrets(value, levels - 1) if isinstance(value, dict) else value
