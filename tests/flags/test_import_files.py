"""Files of flags: hostile ones are refused in a sentence with the line, and what goes out comes in as it was."""

import io
import json
import random
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.flags import imports
from dashboard.flags.exact import MAX_FILE, Refused
from dashboard.flags.import_plan import digest_of, plans_of
from dashboard.flags.import_reading import MAX_FLAGS, read_import, text_of
from dashboard.flags.import_sent import packed, unpacked
from dashboard.flags.queries import document_of
from dashboard.flags.segment_models import FlagSegment
from dashboard.flags.wire import read_document, write_document
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug

FLAG = '{"state": "ENABLED", "variants": {"x": 1}}'
RULE = {"in": [{"var": "plan"}, ["pro"]]}
JUNK = [None, True, 0, -1, 2.5, "", "x", "50", [], {}, [1], {"a": 1}, ["x"], [[]], [{}], "IN", "default", "f"]
DEEP = [
    *([{"name": "flexibleRollout", "parameters": {"rollout": one, "stickiness": one, "groupId": one}}] for one in JUNK),
    *([{"name": "default", "constraints": [{"operator": "IN", "values": one, "contextName": "x"}]}] for one in JUNK),
    *([{"name": "default", "constraints": [{"operator": one, "value": one, "contextName": one}]}] for one in JUNK),
    *([{"name": "a", "weight": 1, "payload": one, "overrides": one}] for one in JUNK),
]
PARTS = {
    "features": "name type enabled strategies variants dependencies description archived",
    "featureStrategies": "featureName name parameters constraints segments variants disabled",
    "featureEnvironments": "featureName environment enabled variants",
    "featureTags": "featureName tagType tagValue",
    "segments": "id name constraints",
    "dependencies": "feature dependencies",
}
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
names = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=12).filter(
    lambda key: key not in {"new", "compare", "playground", "unknown", "segments", ".", ".."}
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(st.none() | st.booleans() | numbers | st.integers(-(2**60), 2**60) | texts,
                      lambda one: st.lists(one, max_size=3) | st.dictionaries(texts, one, max_size=3))  # fmt: skip
variants = st.one_of(*(
    st.dictionaries(texts.filter(bool), kind, min_size=1, max_size=3)
    for kind in (st.booleans(), texts, st.integers(-9, 9), numbers, st.dictionaries(texts, values, max_size=3))
))  # fmt: skip


@st.composite
def flags(draw):
    held = draw(variants)
    flag = {"state": draw(st.sampled_from(["ENABLED", "DISABLED"])), "variants": held}
    flag |= {"defaultVariant": draw(st.sampled_from(sorted(held)))} if draw(st.booleans()) else {}
    flag |= {"targeting": {"==": [draw(values), {"var": "x"}]}} if draw(st.booleans()) else {}
    return flag


@given(st.dictionaries(names, flags(), max_size=4), st.dictionaries(texts, texts | st.booleans() | numbers, max_size=2))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_reads_back_as_the_same_bytes(document, metadata):
    try:
        first = read_document(json.dumps({"flags": document, "metadata": metadata}, ensure_ascii=False))
    except Refused:
        return
    written = write_document([(one.key, one.type, one.definition) for one in first.flags], first.metadata)
    again = read_document(written)
    assert write_document([(one.key, one.type, one.definition) for one in again.flags], again.metadata) == written


def test_what_an_environment_gives_away_changes_nothing_when_it_comes_back(app, places):
    rule = {"if": [{"$ref": "pros"}, "x", {"$ref": "others"}, "y"]}
    flag = {"state": "ENABLED", "variants": {"x": 1e20, "y": -0.0}, "defaultVariant": "x", "targeting": rule}
    shared = {"pros": RULE, "others": RULE}
    text = json.dumps({"metadata": {"flagSetId": "s"}, "$evaluators": shared, "flags": {"a": flag}})
    with app.app_context():
        place = environment_by_slug("staging")
        row = {"name": "pros", "rule": RULE, "updated_by": "x", "environment_id": place.id}
        db.session.add(FlagSegment(**row))
        db.session.flush()
        imports.import_document(text, "staging")
        first = document_of(place)
        assert '{"if": [{"$ref": "pros"}, "x", {"in":' in first
        assert imports.import_document(first, "staging").changed == []
        assert document_of(place) == first
        imports.import_document(first, "production")
        assert '"x": 1.0e+20, "y": -0.0' in document_of(environment_by_slug("production"))


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ('{"features": [{"name": "f"},\n{"name": "f"}]}', 1, "same name"),
        ('{"features": [{"name": "f"},\n{"name": 5}]}', 2, "has a “name”"),
        ('{"features": [],\n"featureStrategies": 5}', 2, "“featureStrategies” is a list of objects"),
        ('{"features": [5]}', 1, "“features” is a list of objects"),
        ('{"features": [],\n"segments": [[]]}', 2, "“segments”"),
        ('{"flags": {},\n"$evaluators": [1]}', 2, "“$evaluators” is an object"),
        ('{"flags": {},\n"metadata": {"a": {}}}', 2, "Metadata “a”"),
        ('{"flags":\n[{"key": "a"}, 5]}', 2, "a “key” of its own"),
        ('{"flags": {"a":\n{"x": 1e999}}}', 2, "too large"),
        ('{"flags":\n{"a": ' + '{"b":' * 20_000 + "1" + "}" * 20_002, 1, "Nested deeper"),
        ('{"flags": {"a": 9' + "9" * 5_000 + "}}", 1, "too many digits"),
        ("null", 1, "no file of flags"),
    ],
)
def test_a_hostile_file_is_refused_with_the_line(text, line, sentence):
    with pytest.raises(Refused, match=sentence.replace("$", r"\$")) as refused:
        read_import(text)
    assert refused.value.line == line


def test_a_file_that_is_too_large_is_not_read():
    with pytest.raises(Refused, match="larger than 20 MB"):
        text_of(b"x" * (MAX_FILE + 1))
    with pytest.raises(Refused, match="larger than 20 MB"):
        unpacked(packed(" " * (MAX_FILE + 1)))
    with pytest.raises(Refused, match=f"more than {MAX_FLAGS:,} flags"):
        read_import('{"features": [' + "{}," * MAX_FLAGS + "{}]}")


def test_a_hundred_megabytes_are_turned_away_before_they_are_read(as_operator, places):
    class Unread(io.BytesIO):
        def read(self, *_):
            raise AssertionError("it was read")

    announced = {"CONTENT_LENGTH": "100000000", "CONTENT_TYPE": "multipart/form-data; boundary=x"}
    answer = as_operator.post("/flags/import/preview", input_stream=Unread(), environ_overrides=announced)
    assert (answer.status_code, "more than this page takes" in answer.text) == (413, True)


def wrong(source):
    """An Unleash file of which every part may be anything."""

    def row(name):
        found = {part: source.choice([*JUNK, *DEEP]) for part in PARTS[name].split() if source.random() < 0.8}
        return found | ({"name": "f"} if source.random() < 0.7 else {})

    return {name: [row(name)] for name in PARTS if name == "features" or source.random() < 0.5}


def test_no_unleash_file_of_wrong_types_breaks_the_reading():
    source, read = random.Random(7), 0  # noqa: S311 - what repeats by its seed is no secret
    for _ in range(1_500):
        try:
            read += bool(read_import(json.dumps(wrong(source))).documents)
        except Refused:
            continue
    assert read > 50


def test_a_preview_is_told_from_another_by_what_it_would_do(app, places):
    def digest(text):
        return digest_of(plans_of([(environment_by_slug("staging"), read_import(text).documents[""])]))

    with app.app_context():
        one, other = f'{{"flags": {{"a": {FLAG}}}}}', f'{{"flags": {{"a": {FLAG.replace("1", "2")}}}}}'
        assert digest(one) == digest(one + "\n")
        assert digest(one) != digest(other)
        imports.import_document(one, "staging")
        assert digest(one) != digest(other)
