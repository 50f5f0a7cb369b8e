"""Payloads of Unleash's variants as the values of a flag, which all have one type (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.flags import rules
from dashboard.flags.exact import Refused, read_json
from dashboard.flags.rules import shortened
from dashboard.flags.unleash_constraints import Told
from dashboard.flags.unleash_reading import Unmapped

MIXED = "Payloads of several kinds became texts, as Unleash sends them."
NO_PAYLOAD = "Variants without a payload have their name as value."


def values_of(variants: Sequence[Mapping[str, Any]], told: Told) -> tuple[str, dict[str, Any]]:
    """The type that all payloads share, and the value of each variant by its name. Raises Unmapped."""
    payloads: dict[str, Any] = {}
    for variant in variants:
        payload = variant.get("payload") or None
        if payloads.setdefault(variant["name"], payload) != payload:
            raise Unmapped(f"two variants are called “{shortened(variant['name'])}” and have different payloads.")
    kinds = {_kind(payload) for payload in payloads.values()}
    if kinds in ({"number"}, {"json"}):
        values = {name: _parsed(name, payload) for name, payload in payloads.items()}
        if (type_ := rules.type_of(values.values())) is not None:
            return type_, values
    if len(kinds - {"none"}) > 1 or kinds & {"number", "json"}:
        told.say(MIXED)
    if "none" in kinds:
        told.say(NO_PAYLOAD)
    return "string", {name: _text(name, payload) for name, payload in payloads.items()}


def _kind(payload: Any) -> str:
    if payload is None:
        return "none"
    kind = payload.get("type") if isinstance(payload, dict) else None
    return "number" if kind == "number" else "json" if kind == "json" else "text"


def _parsed(name: str, payload: Mapping[str, Any]) -> Any:
    try:
        return read_json(_text(name, payload))
    except Refused:
        raise Unmapped(f"the payload of “{shortened(name)}” is not the JSON that it says it is.") from None


def _text(name: str, payload: Any) -> str:
    value = payload.get("value") if isinstance(payload, dict) else name
    if not isinstance(value, str):
        raise Unmapped(f"the payload of “{shortened(name)}” is not a text.")
    return value
