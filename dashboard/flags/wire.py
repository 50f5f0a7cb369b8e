"""flagd's JSON in and out: exact, byte-stable, and refused with line and reason (pure)."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from dashboard.flags import rules
from dashboard.flags.exact import MAX_FILE, Refused, places_in, read_json
from dashboard.flags.rules import Definition

if TYPE_CHECKING:
    from dashboard.flags.shared import Shared

NO_EVALUATORS: Mapping[str, Any] = {}
Places = Mapping[str, tuple[int, int]]
SCHEMA = "https://flagd.dev/schema/v0/flags.json"


@dataclass(frozen=True)
class Entry:
    """A flag of a document: where it stands, its key and what it says; `type` is what its values share.

    `shared`: what a new flag has besides, where the file says it; `warnings`: what is not quite as the file means it.
    `written`: the rule as it stands in a file that has shared rules, which `definition` has inside of it.
    """

    key: str
    type: str
    definition: Definition
    line: int
    shared: "Shared | None" = None
    warnings: Sequence[str] = ()
    written: Any = None


@dataclass(frozen=True)
class Refusal:
    """Why a flag cannot be used."""

    key: str
    line: int
    sentence: str

    @property
    def words(self) -> str:
        return f"Flag “{rules.shortened(self.key)}”: {self.sentence}"


@dataclass(frozen=True)
class Document:
    flags: tuple[Entry, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[Refusal, ...] = ()
    evaluators: Mapping[str, Any] = field(default_factory=dict)


def read_document(text: str) -> Document:
    """A flagd document with flags as an object or as a list. Raises Refused at the first flag that cannot be used."""
    document = read_flagd(read_text(text), lambda: places_in(text))
    for refusal in document.refused:
        raise Refused(refusal.words, refusal.line)
    return document


def read_text(text: str) -> Any:
    """The JSON of a file. Raises Refused."""
    if len(text) > MAX_FILE:
        raise Refused(f"The file is larger than {MAX_FILE // 1_000_000} MB.")
    return read_json(text)


def read_flagd(document: Any, find_places: Callable[[], Places]) -> Document:
    """The same with every flag that cannot be used among its refusals. Raises Refused when none can be read."""
    if not isinstance(document, dict) or not isinstance(document.get("flags"), dict | list):
        raise Refused("A flagd document is an object with “flags”.")
    places = find_places()
    evaluators = document.get("$evaluators") or {}
    if not isinstance(evaluators, dict):
        raise Refused("“$evaluators” is an object.", *places.get("$evaluators", (1, 1)))
    metadata = document.get("metadata") or {}
    if problem := rules.metadata_problem(metadata) if isinstance(metadata, dict) else "Metadata is an object.":
        raise Refused(problem, *places.get("metadata", (1, 1)))
    pairs = _pairs(document["flags"], places)
    entries, refused = list[Entry](), list[Refusal]()
    for key, flag, place in pairs:
        try:
            entries.append(_entry(key, flag, evaluators, place))
        except Refused as reason:
            refused.append(Refusal(key, place[0], reason.sentence))
    return Document(tuple(entries), metadata, tuple(refused), evaluators)


def write_document(
    flags: Iterable[tuple[str, str, Definition]],
    metadata: Mapping[str, Any],
    evaluators: Mapping[str, Any] = NO_EVALUATORS,
) -> str:
    """(key, type, definition) as a flagd document: one flag a line, ordered by key, the same bytes every time."""
    lines = ((key, write_flag(type_, definition)) for key, type_, definition in flags)
    return document_of_lines(lines, metadata, evaluators)


def document_of_lines(
    flags: Iterable[tuple[str, str]], metadata: Mapping[str, Any], evaluators: Mapping[str, Any] = NO_EVALUATORS
) -> str:
    """The same of (key, flag written out)."""
    lines = [f"    {_text(key)}: {line}" for key, line in sorted(flags)]
    body = ",\n".join(lines)
    head = f'  "metadata": {_text(dict(metadata))},\n' if metadata else ""
    head += f'  "$evaluators": {_text(dict(sorted(evaluators.items())))},\n' if evaluators else ""
    inner = f"\n{body}\n  " if lines else ""
    return f'{{\n  "$schema": {_text(SCHEMA)},\n{head}  "flags": {{{inner}}}\n}}\n'


def write_flag(type_: str, definition: Definition) -> str:
    document = rules.document_of(definition)
    variants = ", ".join(f"{_text(name)}: {write_value(value, type_)}" for name, value in document["variants"].items())
    parts = [
        f'"{name}": {{{variants}}}' if name == "variants" else f'"{name}": {_text(value)}'
        for name, value in document.items()
    ]
    return f"{{{', '.join(parts)}}}"


def write_value(value: Any, type_: str) -> str:
    """A variant's value as JSON; that of a float flag always has a fraction: 1 → 1.0, 1e+20 → 1.0e+20."""
    if type_ != "float":
        return _text(value)
    text = repr(float(value))
    mantissa, exponent, power = text.partition("e")
    return text if "." in mantissa else f"{mantissa}.0{exponent}{power}"


def inlined(rule: Any, evaluators: Mapping[str, Any]) -> Any:
    """A rule with every {"$ref": name} replaced by the shared rule; an unknown name stays as it is."""
    if isinstance(rule, list):
        return [inlined(item, evaluators) for item in rule]
    if not isinstance(rule, dict):
        return rule
    name = rule.get("$ref")
    if len(rule) == 1 and isinstance(name, str) and name in evaluators:
        return evaluators[name]
    return {key: inlined(value, evaluators) for key, value in rule.items()}


def _entry(key: str, flag: Any, evaluators: Mapping[str, Any], place: tuple[int, int]) -> Entry:
    def refuse(sentence: str) -> NoReturn:
        raise Refused(sentence, *place)

    if problem := rules.key_problem(key):
        refuse(problem)
    if not isinstance(flag, dict):
        refuse("It must be an object.")
    if flag.get("state") not in {"ENABLED", "DISABLED"}:
        refuse("“state” is ENABLED or DISABLED.")
    if not isinstance(flag.get("variants"), dict) or not flag["variants"]:
        refuse("“variants” is an object with at least one variant.")
    if not isinstance(flag.get("defaultVariant"), str | None):
        refuse("“defaultVariant” is a text or null.")
    if not isinstance(flag.get("targeting"), dict | None) or not isinstance(flag.get("metadata"), dict | None):
        refuse("“targeting” and “metadata” are objects.")
    type_ = rules.type_of(flag["variants"].values())
    if type_ is None:
        refuse("Its variants are not all of one type: boolean, string, number, or object.")
    targeting = inlined(flag["targeting"], evaluators) if flag.get("targeting") is not None else None
    definition = Definition(
        enabled=flag["state"] == "ENABLED",
        variants=flag["variants"],
        default_variant=flag.get("defaultVariant"),
        targeting=targeting,
        metadata=flag.get("metadata") or {},
    )
    if problems := rules.problems_of(definition, type_):
        refuse(" ".join(problems.values()))
    written = flag["targeting"] if evaluators and targeting is not None else None
    return Entry(key, type_, rules.normal(definition, type_), place[0], written=written)


def _pairs(flags: Any, places: Mapping[str, tuple[int, int]]) -> list[tuple[str, Any, tuple[int, int]]]:
    if isinstance(flags, dict):
        return [(key, flag, places.get(f"flags/{key}", (1, 1))) for key, flag in flags.items()]
    pairs, seen = [], set()
    for index, flag in enumerate(flags):
        place = places.get(f"flags/{index}", (1, 1))
        key = flag.get("key") if isinstance(flag, dict) else None
        if not isinstance(key, str) or key in seen:
            raise Refused("Every flag of a list is an object with a “key” of its own.", *place)
        seen.add(key)
        pairs.append((key, flag, place))
    return pairs


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
