"""Random rules and contexts, of the kinds of operands that rules are written with.

What openfeature-flagd-core 2.0 and its JsonLogic (panzi-json-logic 1.0) do otherwise than flagd and the JavaScript
reference is left out here by construction, and named where it is.
"""

import random
from typing import Any

from hypothesis import strategies as st

WORDS = ["pro", "free", "Zürich", "a@shop.example", "shop", "x", "10", "2.5"]
VERSIONS = ["1.2.3", "v2.0", "1", "1.2.3-rc.2", "1.2.3-rc.10", "1.2.3+build", "2.0.0", "no version", "1.2.3.4"]
SIGNS = ["=", "!=", "<", "<=", ">", ">=", "^", "~", "≈"]


def contexts(seed: int, count: int) -> list[dict[str, Any]]:
    """Attributes are of the kind that rules expect, or not there."""
    source = random.Random(seed)  # noqa: S311 - what repeats by its seed is no secret
    return [_context(source, number) for number in range(count)]


def _context(source: random.Random, number: int) -> dict[str, Any]:
    every = {
        "targetingKey": f"user-{seed_word(source)}-{number}",
        "plan": source.choice(WORDS),
        "user": {"city": source.choice(WORDS)},
        "age": source.choice([0, 7, 18, 30, 65, 2.5, -3]),
        "version": source.choice(VERSIONS),
        "roles": source.sample(WORDS, source.randrange(4)),
        "sizes": [source.randrange(-5, 50) for _ in range(source.randrange(4))],
        "beta": source.random() < 0.5,
    }
    return {name: value for name, value in every.items() if source.random() < 0.8}


def seed_word(source: random.Random) -> str:
    return source.choice(["a", "bc", "Ünï", ""])


def operator(name: str, *operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(*operands).map(lambda values: {name: list(values)})


def either(names: list[str], *operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.sampled_from(names), *operands).map(lambda drawn: {drawn[0]: list(drawn[1:])})


words = st.sampled_from(WORDS)
integers = st.integers(-5, 100)
# "cat" writes floats with 15 digits there, with the shortest ones in JavaScript: halves are the same in both
halves = st.integers(-6, 40).map(lambda number: number / 2)
maybe_text = st.one_of(words, st.sampled_from([{"var": "plan"}, {"var": "user.city"}, {"var": ["nobody"]}]))
# null is the text "null" there, and "-" of something and null a negation; so texts and numbers have defaults
plain_text = st.one_of(words, words.map(lambda word: {"var": ["plan", word]}))
plain_number = st.one_of(integers, halves, integers.map(lambda number: {"var": ["age", number]}))


def _texts(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    position = st.integers(-4, 6)
    return st.one_of(
        operator("cat", inner, inner),
        operator("cat", inner, halves),
        operator("substr", inner, position),
        operator("substr", inner, position, position),
        operator("if", flags, inner, inner),
    )


def _numbers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    # "/" by 0 raises there, "%" takes the sign of the divisor; a float's text and NaN are others' matter
    return st.one_of(
        either(["+", "*", "min", "max"], inner, inner),
        operator("-", inner, inner),
        operator("-", inner),
        operator("/", inner, st.sampled_from([2, 4, 0.5])),
        operator("%", st.integers(0, 50), st.integers(1, 9)),
        st.just({"reduce": [{"var": "sizes"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]}),
    )


flags = st.sampled_from([True, False, {"var": "beta"}, {"!": {"var": "beta"}}, {"!!": [{"var": "roles"}]}])
texts = st.recursive(plain_text, _texts, max_leaves=5)
numbers = st.recursive(plain_number, _numbers, max_leaves=5)
lists = st.sampled_from(
    [{"var": "roles"}, ["pro", "x"], [], {"merge": [{"var": ["roles", ["y"]]}, "x"]}, {"var": "nobody"}]
)
# nested lists compare by content there; true is 1 and 0 is null: operands are of one kind
tests = st.one_of(
    flags,
    either(["==", "!=", "===", "!=="], maybe_text, maybe_text),
    either(["==", "!=", "===", "!=="], numbers, numbers),
    either(["==", "!="], numbers, st.sampled_from(["10", "2.5", " 7 "])),
    either(["<", "<=", ">", ">="], numbers, numbers),
    either(["<", "<=", ">", ">="], numbers, numbers, numbers),
    either(["<", "<=", ">", ">="], texts, texts),
    either(["<", ">"], numbers, maybe_text),  # an empty text, which is 0 in JavaScript, is no number there
    operator("in", texts, st.one_of(lists, texts)),
    either(["starts_with", "ends_with"], maybe_text, st.one_of(texts, integers)),
    st.just({"starts_with": ["a"]}),
    st.tuples(
        st.one_of(st.sampled_from(VERSIONS), st.just({"var": "version"}), st.sampled_from([1, 1.5, None])),
        st.sampled_from(SIGNS),
        st.sampled_from(VERSIONS),
    ).map(lambda drawn: {"sem_ver": list(drawn)}),
    either(["some", "all", "none"], lists, st.sampled_from([{"==": [{"var": ""}, "pro"]}, {"var": ""}])),
    either(["some", "all", "none"], st.just({"var": "sizes"}), st.just({">": [{"var": ""}, 10]})),
    st.just({"missing": ["plan", "user.city"]}),
    st.integers(0, 3).map(lambda needed: {"missing_some": [needed, ["plan", "age", "user.city"]]}),
)
weights = st.one_of(  # 50.0 and null are refused there, Go takes them
    st.integers(-2, 100),
    st.just({"if": [{"var": "beta"}, 10, 20]}),
    operator("*", st.integers(0, 9), st.integers(0, 9)),
    st.sampled_from([True, 1.5, 2_147_483_647]),
)


def _values(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    entry = st.one_of(st.tuples(inner, weights), st.tuples(inner)).map(list)
    entries = st.lists(entry, min_size=1, max_size=4)
    attributes = st.sampled_from([{"var": name} for name in ("age", "beta", "user", "plan", "nobody")])
    return st.one_of(
        operator("if", tests, inner, inner),
        operator("if", tests, inner, tests, inner),
        operator("?:", tests, inner, inner),
        either(["and", "or"], st.one_of(tests, inner), inner),
        entries.map(lambda drawn: {"fractional": drawn}),
        st.tuples(st.one_of(texts, attributes), entries).map(lambda drawn: {"fractional": [drawn[0], *drawn[1]]}),
        either(["map", "filter"], lists, st.sampled_from([{"var": ""}, {"cat": [{"var": ""}, "!"]}])),
    )


rules = st.recursive(
    st.one_of(texts, numbers, tests, st.sampled_from([None, "on", "off", {"nope": [1]}, {"$ref": "nobody"}])),
    _values,
    max_leaves=12,
)
