"""The playground: what somebody would get, and why; what another version or environment would change for whom.

Nothing that is typed here is kept. Flags are asked as this process serves them, so answers are those of applications.
Contexts that applications sent lately are offered where the environment keeps them, to whoever may change flags there.
"""

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import live, recent, rules, samples, segments, serving, wire
from dashboard.flags.bucketing import DEFAULT
from dashboard.flags.exact import Refused, read_json
from dashboard.flags.explain import explain, tree
from dashboard.flags.flagset import FlagSet, ReadyFlag, Resolution
from dashboard.flags.ledger import kept
from dashboard.flags.queries import flag_by_key
from dashboard.formats import json_value
from dashboard.security.guards import requires
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("playground", __name__)
LARGEST_CONTEXT = 20_000
MOST_FLAGS = 500
LONGEST_S = 2.0
OFFERED = 4
FIELDS = ("environment", "flag", "context", "other")


@blueprint.app_context_processor
def _drawn() -> dict[str, object]:
    return {"bucketing_in": _bucketing_in}


@blueprint.route("/flags/playground", methods=("GET", "POST"))
@requires("viewer", key="read")
def show() -> Response:
    """The form is posted, so that a context stands in no log and no history; a link may carry one all the same."""
    typed = {name: request.values.get(name, "").strip() for name in FIELDS}
    typed["context"] = request.values.get("sample") or typed["context"]
    places = all_environments()
    place = environment_by_slug(typed["environment"]) if typed["environment"] else next(iter(places), None)
    found: dict[str, Any] = {}
    errors: dict[str, str] = {}
    try:
        if place:
            _answer(found, place, typed)
    except Invalid as refused:
        errors = dict(refused.fields)
        if web.wants_json():
            raise
    if web.wants_json():
        return jsonify(_plain(found) | {"environment": place.slug if place else None})
    shown = {"typed": typed, "places": places, "place": place, "errors": errors, "section": "flags"}
    return web.page("flags/playground.html", status=422 if errors else 200, **shown, **found)


def _bucketing_in(environment_id: int) -> str:
    """The version that percentages are drawn by, for the notes beside them."""
    if "bucketings" not in g:
        g.bucketings = segments.bucketings()
    return str(g.bucketings.get(environment_id, DEFAULT))


def _answer(found: dict[str, Any], place: Environment, typed: Mapping[str, str]) -> None:
    """Fill in what can be said. Raises Invalid for the rest."""
    flags = live.flags_of(place.id)
    keys = list(itertools.islice(flags.flags, MOST_FLAGS))
    found |= {"keys": keys, "total": len(flags.flags), "state": live.state()}
    found |= {"lately": recent.recent_of(place), "may_see": recent.may_see(place)}
    context = found["context"] = context_of(typed["context"])
    if not typed["flag"]:
        found["rows"] = _all(flags, context)
        return
    flag = flags.flags.get(typed["flag"])
    if flag is None:
        found["missing"] = True
        return
    explanation = explain(flag, flags.context(context, int(time.time())))
    found |= {"flag": flag, "explanation": explanation, "value": _value(flag, explanation.resolution)}
    found["offered"] = [
        json.dumps(one, ensure_ascii=False) for one in samples.sampled([flag.definition.targeting], OFFERED)
    ]
    found["versions"] = list(range(_version(place, flag), 0, -1))[:20]
    if typed["other"]:
        other = _other(typed["other"], place, flag)
        found["comparison"] = _compared(flag, other)
        if found["lately"]:
            found["comparison_lately"] = _compared_over(flag, other, (one.context for one in found["lately"]))


def context_of(text: str) -> dict[str, Any]:
    """Raises Invalid."""
    if len(text) > LARGEST_CONTEXT:
        raise Invalid({"context": f"A context has at most {LARGEST_CONTEXT:,} characters here."})
    try:
        context = read_json(text) if text else {}
    except Refused as refused:
        raise Invalid({"context": f"Line {refused.line}, column {refused.column}: {refused.sentence}"}) from None
    if not isinstance(context, dict):
        raise Invalid({"context": "A context is an object: {“attribute”: value}."})
    if not isinstance(context.get("targetingKey"), str | None):
        raise Invalid({"context": "“targetingKey” is a text."})
    return context


def _all(flags: FlagSet, context: Mapping[str, Any]) -> list[tuple[ReadyFlag, Resolution, str]]:
    """What applications get from a bulk request, as far as the time goes."""
    whole, until = flags.context(context, int(time.time())), time.monotonic() + LONGEST_S
    rows = []
    for flag in itertools.islice(flags.flags.values(), MOST_FLAGS):
        resolution = flag.resolve(whole)
        rows.append((flag, resolution, _value(flag, resolution)))
        if time.monotonic() > until:
            break
    return rows


def _value(flag: ReadyFlag, resolution: Resolution) -> str:
    if resolution.variant is None:
        return ""
    return rules.shortened(wire.write_value(flag.definition.variants[resolution.variant], flag.type), 500)


def _version(place: Environment, flag: ReadyFlag) -> int:
    found = [setting.version for setting in flag_by_key(flag.key).settings if setting.environment_id == place.id]
    return found[0] if found else 0


def _other(words: str, place: Environment, flag: ReadyFlag) -> ReadyFlag:
    """“@3” is version 3 in the same environment, other words name an environment."""
    if not words.startswith("@"):
        other = live.flags_of(environment_by_slug(words).id).flags.get(flag.key)
        if other is None:
            raise Invalid({"other": f"{flag.key} is not set in {words}."})
        return other
    number = int(words[1:]) if words[1:].isascii() and words[1:].isdigit() and len(words) < 9 else 0
    document = kept(flag_by_key(flag.key), place, number)
    if document is None:
        raise Invalid({"other": "There is no such version here."})
    definition = serving.would_serve(place, flag.key, rules.definition_of(document))
    return ReadyFlag(flag.key, flag.type, definition, flag.common)


def _compared(flag: ReadyFlag, other: ReadyFlag) -> samples.Comparison:
    """From the other one to this one, for people made up from the rules of both."""
    return _compared_over(flag, other, samples.sampled([flag.definition.targeting, other.definition.targeting]))


def _compared_over(flag: ReadyFlag, other: ReadyFlag, people: Iterator[dict[str, Any]]) -> samples.Comparison:
    until = time.monotonic() + LONGEST_S
    in_time = itertools.takewhile(lambda _: time.monotonic() < until, people)
    return samples.compare(other, flag, in_time, int(time.time()))


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    """The same for machines."""
    plain: dict[str, Any] = {"context": found.get("context", {})}
    if "rows" in found:
        plain["flags"] = [_resolution(flag, resolution) for flag, resolution, _ in found["rows"]]
        plain["total"] = found["total"]
    if found.get("missing"):
        plain["errorCode"] = "FLAG_NOT_FOUND"
    if explanation := found.get("explanation"):
        plain["result"] = _resolution(found["flag"], explanation.resolution)
        plain["explanation"] = explanation.sentence
        plain["tree"] = tree(explanation.root) if explanation.root else None
    for name in ("comparison", "comparison_lately"):
        if comparison := found.get(name):
            plain[name] = _compared_plain(comparison)
    if found.get("lately"):
        plain["lately"] = [{"seen_at": json_value(one.seen_at), "context": one.context} for one in found["lately"]]
    return plain


def _compared_plain(comparison: samples.Comparison) -> dict[str, Any]:
    moves = [{"before": m.before, "after": m.after, "count": m.count, "examples": m.examples} for m in comparison.moves]
    return {"sampled": comparison.sampled, "changed": comparison.changed, "moves": moves}


def _resolution(flag: ReadyFlag, resolution: Resolution) -> dict[str, Any]:
    return dict(json.loads(flag.encoded(resolution)))
