"""From the environment to a running app: settings, data folder, secret, store."""

import atexit
import hashlib
import logging
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from dashboard import create_app, logs
from dashboard.datadir import kept_secret, made_data_dir
from dashboard.embedded import Server
from dashboard.errors import PilothouseError, Unavailable
from dashboard.flags import live
from dashboard.settings import Settings, SettingsError, load_settings
from dashboard.store import PAGE_WAIT_S, db, refusal
from dashboard.system_user import HOME

log = logging.getLogger(__name__)

ROOT = Path(__file__).parent.parent
STORE = "pilothouse"


def settings_from_environment() -> Settings:
    """Ends the process with every problem on stderr (exit 2) when a variable is wrong."""
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        _end_with(error)


def data_dir_of(settings: Settings) -> Path:
    """Where the settings say, else `var` in this checkout; as root a folder of this checkout that others can reach."""
    if settings.data_dir is not None:
        return settings.data_dir.expanduser().resolve()
    if os.geteuid() != 0:
        return ROOT / "var"
    return HOME / f"{ROOT.name}-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]}"


def started_server(settings: Settings) -> Server:
    """The built-in PostgreSQL, used until this process ends."""
    server = Server(data_dir_of(settings))
    atexit.register(server.stop)
    return server.start()


@dataclass(frozen=True)
class Opened:
    """What an app stands on. `server` is the built-in PostgreSQL; with DATABASE_URL it may not be running."""

    server: Server
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)


def opened(settings: Settings, log_level: int = logging.INFO) -> Opened:
    logs.set_up(settings, log_level)
    data_dir = made_data_dir(data_dir_of(settings))
    secret_key = settings.secret_key.get_secret_value() if settings.secret_key else kept_secret(data_dir / "secret_key")
    if settings.database_url:
        return Opened(Server(data_dir), settings.database_url.get_secret_value(), secret_key)
    server = started_server(settings)
    server.ensure_database(STORE, owner=STORE)
    return Opened(server, server.url(STORE, user=STORE), secret_key)


def app_with(settings: Settings, *, wait_s: float = PAGE_WAIT_S, log_level: int = logging.INFO) -> Flask:
    """The app on its store. `wait_s`: how long callers wait for a connection."""
    on = opened(settings, log_level)
    app = create_app(settings, database_url=on.database_url, secret_key=on.secret_key, wait_s=wait_s)
    app.extensions["pilothouse_server"] = on.server
    live.keep_on_disk(app, data_dir_of(settings))
    return app


def app_from_environment() -> Flask:
    """For gunicorn and flask: what goes wrong ends the process with a sentence on stderr."""
    try:
        return app_with(settings_from_environment())
    except SettingsError as error:
        _end_with(error)
    except PilothouseError as error:
        sys.stderr.write(f"{error.sentence}\n")
        sys.exit(1)


def wait_for_store(app: Flask) -> None:
    """As often as the settings say, with back-off; each attempt waits as long as the app's pool does.

    Raises Unavailable: at once for what does not heal by itself, as a wrong password.
    """
    settings: Settings = app.extensions["pilothouse_settings"]
    for attempt in range(1, settings.store_attempts + 1):
        if sentence := refusal(app.config["SQLALCHEMY_DATABASE_URI"]):
            raise Unavailable(sentence)
        try:
            with app.app_context():
                db.session.execute(text("select 1"))
        except OperationalError as error:
            log.warning("the store did not answer, attempt %d of %d", attempt, settings.store_attempts, exc_info=error)
            if attempt < settings.store_attempts:
                time.sleep(2**attempt)
        else:
            return
    raise Unavailable("The store does not answer: check DATABASE_URL and that the server runs and lets us in.")


def _end_with(error: SettingsError) -> NoReturn:
    for problem in error.problems:
        sys.stderr.write(f"{problem}\n")
    sys.exit(2)
