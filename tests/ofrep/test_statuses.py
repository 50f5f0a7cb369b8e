"""Every status that a single evaluation has: as it stands in HTTP, and as the real Python client tells of it."""

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

from tests.ofrep.conftest import add_key

TANGLED = {"a": [[] for _ in range(2_001)]}


@pytest.fixture(scope="module")
def keys(untouched, application):
    with untouched.app_context():
        browser = add_key("staging", browser=True, origins=["https://shop.example"])
    return {"server": application.key, "browser": browser, "wrong": "ph_flags_wrong", "none": ""}


@pytest.fixture
def asked(address, keys):
    """Ask with one of the keys: the details that the client gives, and the answer that it had."""
    had, headers = [], {}
    provider = OFREPProvider(address, headers_factory=lambda: headers)
    provider.session.hooks["response"].append(lambda answer, **_: had.append(answer))
    api.set_provider(provider, "statuses")
    client = api.get_client("statuses")

    def ask(kind, flag, attributes):
        headers.update({"X-API-Key": keys[kind]} if keys[kind] else {})
        return client.get_integer_details(flag, 5, EvaluationContext("u1", attributes)), had[-1]

    yield ask
    api.clear_providers()
    provider.session.close()


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("kind", "flag", "attributes", "status", "code", "told"),
    [
        ("none", "whole", {}, 401, "GENERAL", "unauthorized"),
        ("wrong", "whole", {}, 401, "GENERAL", "unauthorized"),
        ("browser", "whole", {}, 403, "GENERAL", "forbidden"),
        ("server", "nobody", {}, 404, "FLAG_NOT_FOUND", "There is no flag nobody in staging."),
        ("server", "whole", {"a": "\x00"}, 400, "INVALID_CONTEXT", "A text holds the character NUL."),
        ("server", "whole", TANGLED, 400, "INVALID_CONTEXT", "A context nests at most 64 levels deep"),
        ("server", "unknown-op", {}, 400, "PARSE_ERROR", "Unknown operator “nope”."),
        ("server", "elsewhere", {}, 400, "GENERAL", 'The rule gave "nowhere", which names no variant.'),
        ("server", "whole", {"a": "x" * 70_000}, 413, "GENERAL", "A request has at most 65,536 bytes."),
        ("server", "broken", {}, 500, "GENERAL", "logged"),
    ],
)
def test_the_python_client_tells_of_every_status_that_is_no_answer(asked, kind, flag, attributes, status, code, told):
    found, answer = asked(kind, flag, attributes)
    assert (answer.status_code, found.value, found.reason.value, found.error_code.value) == (status, 5, "ERROR", code)
    assert told in found.error_message
    if status not in {401, 403}:
        assert (answer.json()["key"], answer.json()["errorCode"]) == (flag, code)
        assert told in answer.json()["errorDetails"]


def test_where_it_is_an_answer_both_say_the_same(asked):
    found, answer = asked("server", "whole", {})
    assert (answer.status_code, found.value, found.variant, found.reason.value) == (200, 7, "a", "STATIC")
    assert answer.json() == {
        "key": "whole", "value": 7, "variant": "a", "reason": "STATIC", "metadata": {"flagSetId": "shop"}
    }  # fmt: skip
