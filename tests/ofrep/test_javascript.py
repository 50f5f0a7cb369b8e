"""The real JavaScript clients, for servers and for pages, against the app over HTTP."""

import json
import os
import subprocess
import threading

import pytest
from werkzeug.serving import make_server

from dashboard.flags import edits
from dashboard.flags.queries import flag_by_key
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.flags.test_events import Process
from tests.ofrep.clients import SOURCES, NotRun, node_and_packages


@pytest.fixture(scope="session")
def start():
    """Start a script: `start("web.cjs", address, key)`."""
    try:
        node, packages = node_and_packages()
    except NotRun as reason:
        pytest.skip(f"JavaScript clients not run: {reason}")

    processes = []

    def started(script, *arguments):
        command = [node, "--experimental-eventsource", "--no-warnings", SOURCES / script, *arguments]
        environment = os.environ | {"NODE_PATH": str(packages)}
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        processes.append(subprocess.Popen(command, env=environment, text=True, **pipes))
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def said(process):
    """The next thing that a script says."""
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)


QUESTIONS = {
    "boolean": (["Boolean", "plain", False], {"value": True, "variant": "on", "reason": "STATIC"}),
    "zero": (["Boolean", "zero", True], {"value": False, "variant": "no", "reason": "STATIC"}),
    "text": (["String", "text", ""], {"value": "Zürich", "reason": "STATIC"}),
    "whole": (["Number", "whole", 0], {"value": 7, "reason": "STATIC"}),
    "fraction": (["Number", "fraction", 0], {"value": 1, "reason": "STATIC"}),
    "thing": (["Object", "thing", {}], {"value": {"b": 1, "a": 0}, "reason": "STATIC"}),
    "rule": (["Number", "chosen", 0, {"plan": "pro"}], {"value": 2, "variant": "b", "reason": "TARGETING_MATCH"}),
    "default": (["Number", "chosen", 0, {"plan": "x"}], {"value": 1, "variant": "a", "reason": "DEFAULT"}),
    "person": (["Number", "split", 0, {"targetingKey": "u3"}], {"value": 1, "reason": "TARGETING_MATCH"}),
    "metadata": (["Boolean", "plain", False], {"flagMetadata": {"flagSetId": "shop"}}),
    "disabled": (["Boolean", "asleep", False], {"value": False}),
    "in code": (["Boolean", "in-code", False], {"value": False}),
    "unknown": (["Boolean", "nothing", True], {"value": True, "reason": "ERROR", "errorCode": "FLAG_NOT_FOUND"}),
    "other type": (["Boolean", "text", True], {"value": True, "errorCode": "TYPE_MISMATCH"}),
    "broken": (["Number", "unknown-op", 5], {"value": 5, "errorCode": "PARSE_ERROR"}),
}


@pytest.fixture(scope="session")
def answers(start, address, application):
    """One process asks all questions."""
    asked = json.dumps([question for question, _ in QUESTIONS.values()])
    process = start("server.cjs", address, application.key, asked)
    found = [said(process) for _ in QUESTIONS]
    return dict(zip(QUESTIONS, found, strict=True))


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_server_client_gets_every_kind_of_answer(answers, name):
    expected = QUESTIONS[name][1]
    assert {part: answers[name].get(part) for part in expected} == expected


def test_the_server_client_falls_back_to_its_default_with_a_wrong_key(start, address):
    process = start("server.cjs", address, "ph_flags_wrong", json.dumps([["Boolean", "plain", False]]))
    answer = said(process)
    assert (answer["value"], answer["reason"], answer["errorCode"]) == (False, "ERROR", "GENERAL")


@pytest.fixture
def page(served, changing, start):
    """Start the web client on an app that a test may change, with its streams."""
    streams = Process(served.config["SQLALCHEMY_DATABASE_URI"])
    settings = served.extensions["pilothouse_settings"]
    events = {"events_url": f"http://127.0.0.1:{streams.port}"}
    served.extensions["pilothouse_settings"] = settings.model_copy(update=events)
    server = make_server("127.0.0.1", 0, served, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield lambda detection: start("web.cjs", f"http://127.0.0.1:{server.server_port}", changing.key, detection)
    server.shutdown()
    thread.join()
    server.server_close()
    streams.stop()


def go_on(process, word):
    process.stdin.write(f"{word}\n")
    process.stdin.flush()


def test_the_web_client_learns_of_a_change_by_its_stream_or_by_polling(served, page):
    ways = {way: page(way) for way in ("sse", "polling")}
    for process in ways.values():
        seen = said(process)
        assert (seen["plain"]["value"], seen["plain"]["reason"]) == (True, "STATIC")
        assert (seen["chosen"]["value"], seen["chosen"]["variant"]) == (2, "b")
    with served.app_context():
        edits.toggle(flag_by_key("plain"), environment_by_slug("staging"), enabled=False, version=None)
        db.session.commit()
    for way, process in ways.items():
        go_on(process, "change")
        assert said(process)["plain"]["value"] is False
        asked = said(process)
        assert asked.count([200, False]) == 2
        assert way == "sse" or [304, True] in asked


def test_the_web_client_asks_again_for_another_context(start, address, application):
    process = start("web.cjs", address, application.key, "none")
    assert said(process)["chosen"]["value"] == 2
    go_on(process, "context")
    assert said(process)["chosen"]["value"] == 1


def test_the_web_client_stops_at_a_wrong_key(start, address):
    process = start("web.cjs", address, "ph_flags_wrong", "polling")
    assert said(process) == {"failed": "Initialization failed", "asked": [[401, False]]}
