"""Strategies of Unleash as rules of flagd: who is meant, which share of them, and which variant they get (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.flags.rules import shortened
from dashboard.flags.unleash_constraints import (
    KEY,
    Told,
    addresses,
    all_of,
    attribute,
    conditions_of,
    exists,
)
from dashboard.flags.unleash_reading import Segment, Unmapped

LARGEST_WEIGHT = 1_000_000
MOST_VARIANTS = 100
MOVED = "{percent} % stay {percent} %, but of other people: flagd draws in another way."
SPREAD = "The shares of its variants stay, but people change sides: flagd draws in another way."
BY_KEY = "Where Unleash draws by userId, else by sessionId, else at random, it is drawn by targetingKey here: send one."
AT_RANDOM = "Unleash draws anew each time; here the draw sticks to targetingKey."


@dataclass(frozen=True)
class Arm:
    """Whoever meets `condition` (True: everybody) is in, or `share` per cent of them."""

    condition: Any
    share: int
    seed: str
    by: Mapping[str, str]
    variants: Sequence[Mapping[str, Any]]
    stickiness: Any

    @property
    def is_for_all_of_them(self) -> bool:
        return self.share == 100

    def whole_condition(self) -> Any:
        """The share as a condition, where something else comes after it."""
        if self.is_for_all_of_them:
            return self.condition
        drawn = {"==": [self.drawn([("in", self.share), ("out", 100 - self.share)]), "in"]}
        return all_of([self.condition, drawn])

    def drawn(self, weights: Sequence[tuple[str, int]]) -> dict[str, Any]:
        return fractional(self.seed, self.by, weights)


def fractional(seed: str, by: Mapping[str, str], weights: Sequence[tuple[str, int]]) -> dict[str, Any]:
    return {"fractional": [{"cat": [seed, by]}, *([name, weight] for name, weight in weights)]}


def arm_of(strategy: Any, key: str, segments: Mapping[str, Segment], told: Told) -> Arm | None:
    """None: it is for nobody. Raises Unmapped."""
    if not isinstance(strategy, dict) or not isinstance(strategy.get("parameters") or {}, dict):
        raise Unmapped("a strategy is not an object with parameters.")
    if strategy.get("disabled"):
        return None
    name, parameters = str(strategy.get("name")), strategy.get("parameters") or {}
    asked = list[Any]()
    for constraint in _constraints(strategy, segments, told):
        asked += conditions_of(constraint, told)
    meant, percent, stickiness = _meant(name, parameters, told)
    sticky, by = _sticky(stickiness, told) if percent is not None else ([], KEY)
    share = 100 if percent is None else percent
    condition = all_of([*asked, *meant, *sticky])
    if condition is False or not share:
        return None
    if share < 100:
        _say_drawn(stickiness, told, MOVED.format(percent=share))
    seed = parameters.get("groupId") or key
    variants = strategy.get("variants") or ()
    return Arm(condition, share, str(seed), by, variants, stickiness)


def outcome(variants: Any, seed: str, stickiness: Any, told: Told) -> Any:
    """The rule that draws one of these variants; None: none of them has any weight. Raises Unmapped."""
    weights = _weights(variants)
    total = sum(weight for _, weight in weights)
    held = [name for name, weight in weights if weight]
    if not total:
        drawn: Any = None
    elif len(held) == 1:
        drawn = held[0]
    else:
        _, by = _sticky(variants[0].get("stickiness") or stickiness, told)
        _say_drawn(variants[0].get("stickiness") or stickiness, told, SPREAD)
        drawn = fractional(f"{seed}-variants", by, weights)
    return _overridden(variants, drawn, told)


def _constraints(strategy: Mapping[str, Any], segments: Mapping[str, Segment], told: Told) -> list[Any]:
    own, ids = strategy.get("constraints") or [], strategy.get("segments") or []
    if not isinstance(own, list) or not isinstance(ids, list):
        raise Unmapped("“constraints” and “segments” of a strategy are lists.")
    every = list(own)
    for id_ in ids:
        segment = segments.get(str(id_))
        if segment is None or segment.constraints is None:
            name = segment.name if segment else str(id_)
            raise Unmapped(
                f"the file does not say what the segment “{shortened(name)}” asks. What Unleash answers at "
                "/api/client/features has it: import that."
            )
        told.say(f"The segment “{shortened(segment.name)}” becomes part of the rule.")
        every += segment.constraints
    return every


def _meant(name: str, parameters: Mapping[str, Any], told: Told) -> tuple[list[Any], int | None, Any]:
    """Who is meant, per cent of them (None: all), and what sticks the draw to a person."""
    if name == "default":
        return [], None, None
    if name == "userWithId":
        return [_listed(attribute("userId", told), parameters, "userIds")], None, None
    if name == "applicationHostname":
        hosts = _list(parameters, "hostNames")
        told.say("Applications have to send their host name themselves, as “hostname”, in small letters.")
        return [{"in": [{"var": "hostname"}, [host.lower() for host in hosts]]} if hosts else False], None, None
    if name == "remoteAddress":
        return [addresses(attribute("remoteAddress", told), _list(parameters, "IPs"), told)], None, None
    if name == "flexibleRollout":
        return [], _percent(parameters, "rollout"), parameters.get("stickiness") or "default"
    sticks = {
        "gradualRolloutUserId": "userId",
        "gradualRolloutSessionId": "sessionId",
        "gradualRolloutRandom": "random",
    }
    if name in sticks:
        return [], _percent(parameters, "percentage"), sticks[name]
    raise Unmapped(f"the strategy “{shortened(name)}” is one of your own: only your applications know what it does.")


def _sticky(stickiness: Any, told: Told) -> tuple[list[Any], Mapping[str, str]]:
    """Unleash leaves out whoever has not got what it draws by, unless that is its own choice."""
    if stickiness in ("default", "random", None):
        return [], KEY
    var = attribute(stickiness, told)
    return [exists(var)], var


def _say_drawn(stickiness: Any, told: Told, sentence: str) -> None:
    told.say(sentence)
    if stickiness in ("default", None):
        told.say(BY_KEY)
    if stickiness == "random":
        told.say(AT_RANDOM)


def _overridden(variants: Any, drawn: Any, told: Told) -> Any:
    """Some people get a variant by name, before anything is drawn."""
    pairs = list[Any]()
    for variant in variants:
        for override in variant.get("overrides") or ():
            values = override.get("values") if isinstance(override, dict) else None
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise Unmapped("an override of a variant is not a field with a list of texts.")
            field = override.get("contextName", override.get("field"))
            pairs += [{"in": [attribute(field, told), values]}, variant["name"]] if values else []
    return {"if": [*pairs, drawn]} if pairs else drawn


def _weights(variants: Any) -> list[tuple[str, int]]:
    if not isinstance(variants, list) or len(variants) > MOST_VARIANTS:
        raise Unmapped(f"“variants” is a list of at most {MOST_VARIANTS}.")
    found = []
    for variant in variants:
        name, weight = (variant.get("name"), variant.get("weight")) if isinstance(variant, dict) else (None, None)
        if not isinstance(name, str) or not name:
            raise Unmapped("a variant has no name.")
        if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= LARGEST_WEIGHT:
            raise Unmapped(f"the weight of the variant “{shortened(name)}” is not a whole number.")
        if not isinstance(variant.get("overrides") or [], list):
            raise Unmapped("“overrides” of a variant is a list.")
        found.append((name, weight))
    return found


def _percent(parameters: Mapping[str, Any], name: str) -> int:
    """Unleash takes whole numbers from 0 to 100, mostly written as texts."""
    text = str(parameters.get(name, "")).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= 100):
        raise Unmapped(f"“{name}” of a strategy is “{shortened(text)}” and not a whole number from 0 to 100.")
    return int(text)


def _listed(var: Any, parameters: Mapping[str, Any], name: str) -> Any:
    values = _list(parameters, name)
    return {"in": [var, values]} if values else False


def _list(parameters: Mapping[str, Any], name: str) -> list[str]:
    """Values with commas between them."""
    text = parameters.get(name) or ""
    if not isinstance(text, str):
        raise Unmapped(f"“{name}” of a strategy is not a text.")
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
