"""What Unleash calls dependencies: prerequisites here (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dashboard.flags import prerequisites
from dashboard.flags.rules import shortened
from dashboard.flags.unleash_reading import Feature, Unmapped
from dashboard.flags.wire import Entry

OFF = "off"
Reasons = dict[str, str]


def with_needs(features: Sequence[Feature], found: Mapping[str, Entry]) -> tuple[dict[str, Entry], Reasons]:
    """The flags that can be what they were, and why the others cannot: what needs one that cannot, cannot either."""
    entries, reasons = dict(found), Reasons()
    needing, before = [feature for feature in features if feature.needs], -1
    while len(entries) != before:
        before = len(entries)
        for feature in needing:
            if feature.key in entries:
                try:
                    entries[feature.key] = _needing(found[feature.key], feature.needs, entries)
                except Unmapped as reason:
                    reasons[feature.key] = str(reason)
                    del entries[feature.key]
    needs = {key: set(entry.definition.prerequisites) for key, entry in entries.items()}
    for key in [key for key in needs if needs[key] and prerequisites.circle(needs, key)]:
        reasons[key] = "it depends on itself, directly or through others."
        del entries[key]
    return entries, reasons


def _needing(entry: Entry, needs: Any, known: Mapping[str, Entry]) -> Entry:
    """Raises Unmapped."""
    if not isinstance(needs, list):
        raise Unmapped("“dependencies” is not a list.")
    found = dict(_needed(need, known) for need in needs)
    unmet = OFF if entry.type == "boolean" else None
    return replace(entry, definition=replace(entry.definition, prerequisites=found, unmet_variant=unmet))


def _needed(need: Any, known: Mapping[str, Entry]) -> tuple[str, list[str]]:
    key = need.get("feature") if isinstance(need, dict) else None
    if not isinstance(key, str) or key not in known:
        raise Unmapped(f"it depends on “{shortened(str(key))}”, which the file does not have or which is refused.")
    if need.get("enabled") is False:
        raise Unmapped(f"it depends on {key} being off; here a flag can only need that others serve something.")
    parent, names = known[key], need.get("variants") or []
    variants = parent.definition.variants
    if not isinstance(names, list) or not all(isinstance(name, str) and name in variants for name in names):
        raise Unmapped(f"it depends on a variant that {key} does not have.")
    return key, names or [name for name in variants if name != OFF or parent.type != "boolean"]
