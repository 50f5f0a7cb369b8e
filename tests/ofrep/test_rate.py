"""No key asks for more evaluations a second than the setting says, and none is held back by another one."""

import pytest
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.exception import GeneralError

from dashboard import create_app
from dashboard.ofrep import answers
from dashboard.ofrep.rate import Rate
from dashboard.settings import load_settings
from tests.conftest import close
from tests.ofrep.conftest import Application, add_key
from tests.people import SECRET_KEY


@pytest.mark.parametrize(
    ("a_second", "asked_at", "answered"),
    [
        (0, [0.0] * 100, 100),
        (3, [0.0] * 9, 3),
        (3, [0.0] * 9 + [0.4] * 9, 4),
        (3, [0.0] * 9 + [5.0] * 9, 6),
        (1, [0.0, 0.5, 0.99, 1.0, 1.5, 2.0], 3),
    ],
)
def test_as_many_as_a_second_allows_are_answered(a_second, asked_at, answered):
    rate = Rate(a_second)
    assert sum(rate.admits(1, 1_000 + at_s) for at_s in asked_at) == answered
    assert rate.admits(2, 1_000)


def test_a_process_goes_by_the_setting(server, store_template):
    settings = load_settings({"PILOTHOUSE_FLAGS_PER_SECOND": "2"})
    app = create_app(settings, database_url=server.url(store_template, "pilothouse"), secret_key=SECRET_KEY)
    assert [answers.of(app).rate.admits(1, 1_000) for _ in range(3)] == [True, True, False]
    close(app)


@pytest.fixture
def two_a_second(untouched, monkeypatch):
    monkeypatch.setattr(answers.of(untouched), "rate", Rate(2))


@pytest.mark.usefixtures("two_a_second")
def test_who_asks_too_often_is_told_when_to_come_back(untouched, application):
    with untouched.app_context():
        other = Application(untouched, add_key("staging"))
    told = [application.flag("plain"), application.bulk(), application.flag("plain"), application.bulk()]
    assert [answer.status_code for answer in told] == [200, 200, 429, 429]
    assert (told[2].headers["Retry-After"], told[2].json["key"], told[2].json["errorCode"]) == ("1", "plain", "GENERAL")
    assert (told[3].headers["Retry-After"], told[3].json["errorDetails"]) == ("1", answers.TOO_MANY)
    assert other.flag("plain").status_code == 200


@pytest.mark.usefixtures("two_a_second")
def test_the_python_client_pauses(application, address):
    provider = OFREPProvider(address, headers_factory=lambda: {"X-API-Key": application.key})
    for _ in range(2):
        assert provider.resolve_integer_details("whole", 0).value == 7
    for sentence in ("Rate limited, retry after: 1", "OFREP evaluation paused due to TooManyRequests"):
        with pytest.raises(GeneralError, match=sentence):
            provider.resolve_integer_details("whole", 0)
    provider.session.close()
