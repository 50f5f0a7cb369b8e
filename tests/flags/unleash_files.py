"""Unleash files for tests, in the three shapes that Unleash writes, and what our evaluator makes of them."""

import json

from dashboard.flags.evaluate import compile_rule
from dashboard.flags.import_reading import read_import

AT = 1_700_000_000


def strategy(name="default", parameters=None, constraints=(), **more):
    return {"name": name, "parameters": parameters or {}, "constraints": list(constraints), **more}


def feature(*strategies, name="f", enabled=True, **more):
    """As servers send it to applications."""
    return {"name": name, "type": "release", "enabled": enabled, "strategies": list(strategies), **more}


def sent(*features, **more):
    return json.dumps({"version": 2, "features": list(features), **more}, indent=1)


def exported(*features, environment="production", **more):
    """The same features as the export of features writes them."""
    strategies, places = [], []
    for number, one in enumerate(features):
        own = [{"id": f"{number}", "featureName": one["name"], **row} for row in one["strategies"]]
        strategies += own
        place = {"enabled": one["enabled"], "featureName": one["name"], "environment": environment, "name": one["name"]}
        places.append({**place, "variants": one.get("variants", [])})
    bare = [{"name": one["name"], "type": one["type"], "project": "default"} for one in features]
    document = {"features": bare, "featureStrategies": strategies, "featureEnvironments": places, "tagTypes": []}
    return json.dumps(document | more)


def only(text, place=""):
    """The flags that the file makes in this environment by key, and why others cannot be."""
    document = read_import(text).documents[place]
    return {entry.key: entry for entry in document.flags}, {one.key: one.sentence for one in document.refused}


def entry_of(*strategies, **more):
    segments = {"segments": more.pop("segments")} if "segments" in more else {}
    found, refused = only(sent(feature(*strategies, **more), **segments))
    assert refused == {}
    return found["f"]


def reason_of(*strategies, **more):
    found, refused = only(sent(feature(*strategies, **more)))
    assert found == {}
    return refused["f"]


def answer(entry, **context):
    """The value that our evaluator gives; None: the default in code."""
    definition = entry.definition
    variant = definition.default_variant
    if definition.targeting:
        rule = compile_rule(definition.targeting)
        assert not rule.problems
        given = rule.value({"$flagd": {"flagKey": "f", "timestamp": AT}} | context)
        variant = variant if given is None else given
    return None if variant is None else definition.variants[variant]


def asked(operator, context_name="x", **constraint):
    """Whether a strategy with this one constraint is for somebody, by context."""
    entry = entry_of(strategy(constraints=[{"operator": operator, "contextName": context_name, **constraint}]))
    return lambda **context: answer(entry, **context)
