"""What Flask costs at least: a view that reads the same JSON body and answers the same bytes with the same headers."""

import base64
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import Flask, Response, request

Answers = Mapping[str, tuple[Sequence[tuple[str, str]], bytes]]


def bare(answers: Answers) -> Flask:
    """`answers`: address → headers and body."""
    app = Flask("bare")

    @app.post("/<path:path>")
    def answer(path: str) -> Response:
        request.get_json()
        headers, body = answers[f"/{path}"]
        return Response(body, 200, dict(headers))

    return app


def write(answers: Answers, path: Path) -> None:
    """For a process of its own."""
    encoded = {name: (list(headers), base64.b64encode(body).decode()) for name, (headers, body) in answers.items()}
    path.write_text(json.dumps(encoded))


def from_environment() -> Flask:
    """For gunicorn: the answers are in the file that BENCH_ANSWERS names."""
    read = json.loads(Path(os.environ["BENCH_ANSWERS"]).read_text())
    return bare({name: (headers, base64.b64decode(body)) for name, (headers, body) in read.items()})
