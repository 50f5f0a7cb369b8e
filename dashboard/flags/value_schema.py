"""JSON Schema (draft 2020-12) for the values of a flag: which schemas are taken, and what does not fit one (pure).

Nothing is ever fetched, and no schema or value takes longer than a second: steps are counted, texts are searched in a
time that grows with them only.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from dashboard.flags import rules, text_patterns
from dashboard.flags.text_patterns import pattern_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MAX_SCHEMA = 20_000
MAX_DEPTH = 20
MAX_STEPS = 50_000
SMALL_STEPS = 40
DATA = {"const", "enum", "default", "examples"}
Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]


class TooMuch(Exception):  # noqa: N818 - reads as what it is
    """Checking took more steps than it may."""


def schema_problem(schema: Mapping[str, Any]) -> str | None:
    """Why this cannot be a flag's schema, in one sentence."""
    if rules.depth_of(schema, limit=MAX_DEPTH) > MAX_DEPTH:
        return f"The schema nests deeper than {MAX_DEPTH} levels."
    if len(json.dumps(schema)) > MAX_SCHEMA:
        return f"The schema has more than {MAX_SCHEMA:,} characters."
    wrong = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA, registry=REGISTRY).iter_errors(schema))
    if wrong is not None:
        return f"At {wrong.json_path}: {_shown(wrong.instance)} is not what JSON Schema 2020-12 allows there."
    parts = list(_parts(schema, "$"))
    return next(filter(None, (_part_problem(part, path, schema) for part, path in parts)), None) or _mixed(parts)


def misfit(schema: Mapping[str, Any], value: Any) -> str | None:
    """Where a value breaks which rule of the schema, the most telling one; None when it fits."""
    try:
        wrong = best_match(_validator(schema).iter_errors(value))
    except TooMuch:
        return "checking it against the schema takes too long"
    except RecursionError:
        return "the schema refers to itself without end"
    except (text_patterns.Refused, Unresolvable, OverflowError) as refused:
        return f"it cannot be checked: {refused}"
    if wrong is None:
        return None
    return f"{wrong.json_path} does not fit “{wrong.validator}”: {_shown(wrong.validator_value)}"


def variants_problem(schema: Mapping[str, Any] | None, variants: Mapping[str, Any]) -> str | None:
    """The first variant that does not fit, in one sentence."""
    found = ((name, misfit(schema, value)) for name, value in variants.items()) if schema is not None else ()
    wrong = next(((name, what) for name, what in found if what), None)
    return f"Variant “{rules.shortened(wrong[0])}”: {wrong[1]}." if wrong else None


def _parts(value: Any, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every object in the schema that is not plain data, with where it stands."""
    if isinstance(value, dict):
        yield value, path
        for name, item in value.items():
            if name not in DATA:
                yield from _parts(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _parts(item, f"{path}[{index}]")


def _part_problem(part: Mapping[str, Any], path: str, schema: Mapping[str, Any]) -> str | None:
    if isinstance(part.get("$schema"), str) and part["$schema"].removesuffix("#") != DRAFT:
        return f"At {path}: the schema is read as draft 2020-12, “{rules.shortened(part['$schema'])}” is another one."
    if (isinstance(part.get("$id"), str) and part is not schema) or isinstance(part.get("$dynamicRef"), str):
        return f"At {path}: “$id” stands at the top only, and “$dynamicRef” nowhere."
    if isinstance(name := part.get("$ref"), str) and not _is_here(name, schema):
        return f"At {path}: “$ref” leads to “{rules.shortened(name)}”, which is not in this schema; nothing is fetched."
    several = part.get("patternProperties")
    patterns = [*(several if isinstance(several, dict) else ()), part.get("pattern")]
    for pattern in patterns:
        if isinstance(pattern, str) and (problem := _pattern_problem(pattern)):
            return f"At {path}: the pattern “{rules.shortened(pattern)}” cannot be used: {problem}."
    return None


def _mixed(parts: list[tuple[Mapping[str, Any], str]]) -> str | None:
    names = {name for part, _ in parts for name in part}
    if "patternProperties" in names and names & {"unevaluatedProperties", "unevaluatedItems"}:
        return "“patternProperties” does not go with “unevaluatedProperties” here; take “additionalProperties”."
    return None


def _is_here(name: str, schema: Mapping[str, Any]) -> bool:
    if not name.startswith("#"):
        return False
    resource: Resource[Any] = DRAFT202012.create_resource(schema)
    base = resource.id() or ""
    try:
        Registry[Any]().with_resource(base, resource).resolver(base).lookup(name)
    except Unresolvable:
        return False
    return True


def _pattern_problem(pattern: str) -> str | None:
    try:
        pattern_of(pattern)
    except text_patterns.Refused as refused:
        return str(refused)
    return None


def _validator(schema: Mapping[str, Any]) -> Any:
    """One that counts its steps, has our patterns and an empty registry: what is not in the schema is nowhere."""
    spent = 0

    def counted(name: str, keyword: Keyword) -> Keyword:
        def run(validator: Any, wanted: Any, instance: Any, part: Any) -> Iterator[ValidationError]:
            nonlocal spent
            spent += _steps_of(name, wanted, instance, part)
            if spent > MAX_STEPS:
                raise TooMuch
            yield from keyword(validator, wanted, instance, part) or ()

        return run

    keywords = {name: counted(name, keyword) for name, keyword in (Draft202012Validator.VALIDATORS | OURS).items()}
    return extend(Draft202012Validator, keywords)(schema, registry=Registry())


def _steps_of(name: str, wanted: Any, instance: Any, part: Any) -> int:
    """What asking a rule costs; a step of a pattern is a small one."""
    patterns: list[str] = []
    texts = [instance] if isinstance(instance, str) else list(instance) if isinstance(instance, dict) else []
    if name == "pattern":
        patterns = [wanted]
    elif name in {"patternProperties", "additionalProperties"}:
        patterns = list(part.get("patternProperties", ()))
    length = sum(map(len, texts))
    small = sum(pattern_of(pattern).size * length for pattern in patterns)
    return 1 + (len(wanted) if isinstance(wanted, list | dict) else 0) + small // SMALL_STEPS


def _pattern(validator: Any, wanted: str, instance: Any, _part: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not pattern_of(wanted).is_in(instance):
        yield ValidationError("the pattern is not in it")


def _pattern_properties(validator: Any, wanted: Any, instance: Any, _part: Any) -> Iterator[ValidationError]:
    for pattern, part in wanted.items() if validator.is_type(instance, "object") else ():
        for name, value in instance.items():
            if pattern_of(pattern).is_in(name):
                yield from validator.descend(value, part, path=name, schema_path=pattern)


def _additional_properties(validator: Any, wanted: Any, instance: Any, part: Any) -> Iterator[ValidationError]:
    known, patterns = part.get("properties", {}), list(map(pattern_of, part.get("patternProperties", {})))
    for name, value in instance.items() if validator.is_type(instance, "object") else ():
        if name in known or any(pattern.is_in(name) for pattern in patterns):
            continue
        if wanted is False:
            yield ValidationError("it has more than it may", path=(name,))
        else:
            yield from validator.descend(value, wanted, path=name)


def _unique_items(validator: Any, wanted: Any, instance: Any, _part: Any) -> Iterator[ValidationError]:
    items = instance if wanted and validator.is_type(instance, "array") else []
    if len({json.dumps(_plain(item), sort_keys=True) for item in items}) < len(items):
        yield ValidationError("it has the same item twice")


def _plain(value: Any) -> Any:
    """Numbers are equal by what they are worth."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: Any) -> str:
    return rules.shortened(json.dumps(value, ensure_ascii=False), 80)


OURS: dict[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
