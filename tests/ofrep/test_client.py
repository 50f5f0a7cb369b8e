"""The real Python OpenFeature client against the app over HTTP."""

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason


@pytest.fixture
def client(address, application):
    provider = OFREPProvider(address, headers_factory=lambda: {"Authorization": f"Bearer {application.key}"})
    api.set_provider(provider)
    yield api.get_client()
    api.clear_providers()
    provider.session.close()


def test_every_type_arrives_as_it_is(client):
    assert client.get_boolean_value("plain", default_value=False) is True
    assert client.get_integer_value("whole", 0) == 7
    assert client.get_float_value("fraction", 0.5) == 1.0
    assert client.get_string_value("text", "") == "Zürich"
    assert client.get_object_value("thing", {}) == {"b": 1, "a": 0.0}


def test_rules_see_the_context(client):
    context = EvaluationContext("u1", {"plan": "pro"})
    details = client.get_integer_details("chosen", 0, context)
    assert (details.value, details.variant, details.reason) == (2, "b", Reason.TARGETING_MATCH)


@pytest.mark.parametrize(("key", "reason"), [("asleep", Reason.DISABLED), ("in-code", Reason.DEFAULT)])
def test_without_a_value_the_code_decides(client, key, reason):
    details = client.get_boolean_details(key, default_value=True)
    assert (details.value, details.reason, details.error_code) == (True, reason, None)
    assert client.get_boolean_value(key, default_value=False) is False


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("nothing", ErrorCode.FLAG_NOT_FOUND),
        ("unknown-op", ErrorCode.PARSE_ERROR),
        ("elsewhere", ErrorCode.GENERAL),
        ("text", ErrorCode.TYPE_MISMATCH),
    ],
)
def test_errors_are_the_clients_own(client, key, code):
    details = client.get_boolean_details(key, default_value=True)
    assert (details.value, details.error_code) == (True, code)
