"""What an Unleash file holds: its features in each environment, and the segments that they refer to (pure).

Three shapes are known: the export of features and environments (`featureStrategies`, one environment; of segments it
says only the names), the older export of everything (`version` 3 or 4, all environments), and what servers send to
applications (`strategies` inside of each feature; one environment that is not named).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.flags.exact import Refused

Places = Mapping[str, tuple[int, int]]
Object = Mapping[str, Any]
KINDS = {
    "kill-switch": "kill_switch",
    **{kind: kind for kind in ("release", "experiment", "operational", "permission")},
}
MAX_TAGS, LONGEST_TAG, LONGEST_TEXT = 20, 50, 2_000


class Unmapped(ValueError):  # noqa: N818 - reads as what it is
    """A flag that would not be the same here; the text is a sentence that says why."""


@dataclass(frozen=True)
class Segment:
    """`constraints` None: the file names the segment and does not say what it asks."""

    name: str
    constraints: Sequence[Any] | None


@dataclass(frozen=True)
class Feature:
    """A feature in one environment, as the file says it: what is inside of strategies and variants is not checked."""

    key: str
    line: int
    enabled: Any
    strategies: Any
    variants: Any
    needs: Any = ()
    description: str = ""
    kind: str = "release"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """Name of an environment (empty: the file names none) → its features; archived ones are only counted."""

    environments: Mapping[str, Sequence[Feature]]
    segments: Mapping[str, Segment]
    archived: int = 0


def is_unleash(document: Any) -> bool:
    return isinstance(document, dict) and "flags" not in document and isinstance(document.get("features"), list)


def read_file(document: Object, places: Places) -> File:
    """Raises Refused where the file is not built as Unleash builds it."""
    features = _objects(document, "features", places)
    for number, feature in enumerate(features):
        if not isinstance(feature.get("name"), str):
            raise Refused("Every feature has a “name”.", *places.get(f"features/{number}", (1, 1)))
    kept = [(number, feature) for number, feature in enumerate(features) if not feature.get("archived")]
    lines = {feature["name"]: places.get(f"features/{number}", (1, 1))[0] for number, feature in kept}
    if len(lines) < len(kept):
        raise Refused("Two features have the same name.", *places.get("features", (1, 1)))
    rows = _Rows(document, places)
    of_all = [feature for _, feature in kept]
    spread = _spread(of_all, rows, lines) if "featureStrategies" in document else _alone(of_all, rows, lines)
    return File(spread, _segments(document, places), len(features) - len(kept))


class _Rows:
    """The lists beside the features, by the feature that each row belongs to."""

    def __init__(self, document: Object, places: Places) -> None:
        strategies = _objects(document, "featureStrategies", places)
        self.in_environments = _grouped(_objects(document, "featureEnvironments", places), "featureName")
        self.strategies = _grouped(strategies, "featureName")
        self.tags = _grouped(_objects(document, "featureTags", places), "featureName")
        needs = _objects(document, "dependencies", places)
        self.needs = {row["feature"]: row.get("dependencies") for row in needs if isinstance(row.get("feature"), str)}
        joined = _objects(document, "featureStrategySegments", places)
        self.segments = _grouped(joined, "featureStrategyId")


def _spread(features: Sequence[Object], rows: _Rows, lines: Mapping[str, int]) -> dict[str, list[Feature]]:
    """Exports: what each environment does with a feature stands beside it. Not there: not set there."""
    found: dict[str, list[Feature]] = defaultdict(list)
    for feature in features:
        name = feature["name"]
        for place in rows.in_environments.get(name, ()):
            slug = place.get("environment")
            if not isinstance(slug, str) or not slug:
                raise Refused(f"“{name[:60]}” is in an environment without a name.", lines[name])
            strategies = [
                _joined(row, rows) for row in rows.strategies.get(name, ()) if row.get("environment", slug) == slug
            ]
            variants = place.get("variants") or feature.get("variants")
            found[slug].append(_feature(feature, lines[name], rows, place.get("enabled"), strategies, variants))
    return dict(found)


def _alone(features: Sequence[Object], rows: _Rows, lines: Mapping[str, int]) -> dict[str, list[Feature]]:
    """What applications are sent: everything stands inside of the feature."""
    return {
        "": [
            _feature(one, lines[one["name"]], rows, one.get("enabled"), one.get("strategies"), one.get("variants"))
            for one in features
        ]
    }


def _feature(feature: Object, line: int, rows: _Rows, enabled: Any, strategies: Any, variants: Any) -> Feature:
    name, description = feature["name"], feature.get("description")
    return Feature(
        key=name,
        line=line,
        enabled=enabled,
        strategies=strategies or (),
        variants=variants or (),
        needs=feature.get("dependencies") or rows.needs.get(name) or (),
        description=description[:LONGEST_TEXT] if isinstance(description, str) else "",
        kind=KINDS.get(str(feature.get("type")), "release"),
        tags=_tags(rows.tags.get(name, ())),
    )


def _joined(row: Object, rows: _Rows) -> Object:
    """A strategy with its name and its segments where every file has them."""
    ids = row.get("segments") or [joined.get("segmentId") for joined in rows.segments.get(str(row.get("id")), ())]
    return {**row, "name": row.get("name") or row.get("strategyName"), "segments": ids}


def _tags(rows: Sequence[Object]) -> tuple[str, ...]:
    """“simple” is the kind of tag that says nothing more."""
    found = []
    for row in rows:
        kind, value = row.get("tagType", row.get("type")), row.get("tagValue", row.get("value"))
        tag = f"{value}" if kind in ("simple", None) else f"{kind}:{value}"
        found.append(tag.replace(",", " ").strip()[:LONGEST_TAG])
    return tuple(dict.fromkeys(filter(None, found)))[:MAX_TAGS]


def _segments(document: Object, places: Places) -> dict[str, Segment]:
    found = {}
    for row in _objects(document, "segments", places):
        constraints = row.get("constraints")
        known = constraints if isinstance(constraints, list) else None
        found[str(row.get("id"))] = Segment(str(row.get("name") or row.get("id")), known)
    return found


def _objects(document: Object, name: str, places: Places) -> list[Object]:
    rows = document.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused(f"“{name}” is a list of objects.", *places.get(name, (1, 1)))
    return rows


def _grouped(rows: Sequence[Object], by: str) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = defaultdict(list)
    for row in rows:
        found[str(row.get(by))].append(row)
    return found
