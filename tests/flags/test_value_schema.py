"""JSON Schema for the values of a flag: what is taken, what does not fit, and that nothing takes long or is fetched."""

import time

import pytest

from dashboard.flags.value_schema import misfit, schema_problem, variants_problem

LIMITS = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["limit"],
    "properties": {
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "color": {"enum": ["red", "green"]},
        "slug": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
        "hours": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/hour"}},
    },
    "additionalProperties": False,
    "$defs": {"hour": {"type": "number", "exclusiveMaximum": 24}},
}


def test_a_value_that_fits():
    assert schema_problem(LIMITS) is None
    assert misfit(LIMITS, {"limit": 5, "color": "red", "slug": "a-b-c", "hours": [1, 2.5]}) is None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], '$ does not fit “type”: "object"'),
        ({}, '$ does not fit “required”: ["limit"]'),
        ({"limit": 101}, "$.limit does not fit “maximum”: 100"),
        ({"limit": "5"}, '$.limit does not fit “type”: "integer"'),
        ({"limit": True}, '$.limit does not fit “type”: "integer"'),
        ({"limit": 5, "color": "blue"}, '$.color does not fit “enum”: ["red", "green"]'),
        ({"limit": 5, "slug": "a--b"}, '$.slug does not fit “pattern”: "^[a-z0-9]+(-[a-z0-9]+)*$"'),
        ({"limit": 5, "other": 1}, "$.other does not fit “additionalProperties”: false"),
        ({"limit": 5, "hours": [1, 24]}, "$.hours[1] does not fit “exclusiveMaximum”: 24"),
        ({"limit": 5, "hours": [1, 1.0]}, "$.hours does not fit “uniqueItems”: true"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place_and_rule(value, sentence):
    assert misfit(LIMITS, value) == sentence


def test_the_sentence_names_the_variant():
    found = variants_problem(LIMITS, {"a": {"limit": 1}, "b": {"limit": 0}})
    assert found == "Variant “b”: $.limit does not fit “minimum”: 1."
    assert variants_problem(None, {"a": 1}) is None


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"type": "strin"}, 'At $.type: "strin" is not what'),
        ({"minimum": "1"}, 'At $.minimum: "1" is not what'),
        (
            {"properties": {"a": {"pattern": "("}}},
            "At $.properties.a: the pattern “(” cannot be used: it cannot be read.",
        ),
        ({"patternProperties": {"(?=x)": True}}, "it looks around or back"),
        ({"$ref": "https://example.com/schema"}, "which is not in this schema; nothing is fetched."),
        ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
        ({"items": {"$ref": "#/$defs/missing"}}, "At $.items: “$ref” leads to “#/$defs/missing”"),
        ({"items": {"$id": "https://example.com/x"}}, "“$id” stands at the top only"),
        ({"$dynamicRef": "#x"}, "“$dynamicRef” nowhere"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "is another one"),
        ({"patternProperties": {"a": True}, "unevaluatedProperties": False}, "take “additionalProperties”"),
        ({"description": "x" * 20_000}, "more than 20,000 characters"),
    ],
)
def test_schemas_that_are_refused(schema, sentence):
    assert sentence in schema_problem(schema)


def test_a_deep_schema_is_refused():
    schema = {}
    for _ in range(2_000):
        schema = {"not": schema}
    assert schema_problem(schema) == "The schema nests deeper than 20 levels."


def test_data_and_names_of_properties_are_no_rules():
    assert schema_problem({"properties": {"pattern": {"type": "string"}, "$ref": True}}) is None
    assert schema_problem({"const": {"$ref": "https://example.com", "pattern": "("}}) is None


def test_a_recursive_schema_is_fine_and_one_without_an_end_is_told():
    tree = {"type": "object", "properties": {"child": {"$ref": "#"}}, "additionalProperties": False}
    assert schema_problem(tree) is None
    assert misfit(tree, {"child": {"child": {"x": 1}}}) == "$.child.child.x does not fit “additionalProperties”: false"
    assert misfit({"$ref": "#"}, {}) == "the schema refers to itself without end"


def doubled(levels):
    """Each level asks the next one twice."""
    parts = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": parts | {f"a{levels}": {"type": "object"}}, "$ref": "#/$defs/a0"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (doubled(25), {}),
        ({"items": {"enum": list(range(3_000))}}, list(range(5_000, 15_000))),
        ({"uniqueItems": True}, [{} for _ in range(30_000)]),
        ({"pattern": "^(a+)+$"}, "a" * 50_000 + "!"),
        ({"items": {"pattern": "^(a|b){400}$"}}, ["ab" * 200] * 240),
        ({"multipleOf": 0.1}, 10**400),
        ({"patternProperties": {"(a|aa)*b": False}, "additionalProperties": {"type": "null"}}, {"a" * 5_000: 1}),
    ],
)
def test_nothing_takes_longer_than_two_seconds(schema, value):
    begun = time.perf_counter()
    assert schema_problem(schema) is None
    assert misfit(schema, value) is not None
    assert time.perf_counter() - begun < 2
