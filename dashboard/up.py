"""`pilothouse up`: everything on one machine, in order, until one signal stops it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

import click
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select

from dashboard import demo, runtime
from dashboard.datadir import locked, made_data_dir
from dashboard.errors import PilothouseError
from dashboard.processes import Child, answers, keep_running, refuse_taken_ports, stoppable
from dashboard.security.edits import ensure_first_admin
from dashboard.security.models import Account
from dashboard.settings import Settings, SettingsError
from dashboard.store import db
from dashboard.targets.declared import apply_file
from dashboard.targets.models import Target


def run(settings: Settings) -> None:
    if settings.port == settings.events_port:
        raise SettingsError([f"PORT and PILOTHOUSE_EVENTS_PORT are both {settings.port}; they need a port each"])
    with stoppable(), _alone(settings):
        refuse_taken_ports(settings.host, settings.port, settings.events_port)
        app = runtime.app_with(settings, wait_s=settings.store_connect_s)
        runtime.wait_for_store(app)
        with app.app_context():
            upgrade()
            first_start = not db.session.scalar(select(func.count()).select_from(Account))
            email, password = ensure_first_admin(settings)
            if settings.targets:
                apply_file(settings.targets)
            children = [Child("worker"), Child("web"), Child("events")]
            if _shows_demo(app, settings, first_start=first_start):
                children.append(Child("demo"))
        keep_running(children, tell=Greeting(settings, email, password).when_ready)


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One `up` on a data folder; the lock ends with the process, however that ends."""
    path = made_data_dir(runtime.data_dir_of(settings)) / "up.lock"
    try:
        lock = locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PilothouseError(
            f"Pilothouse is already running on {path.parent} ({path.read_text().strip()}): stop it first, "
            "or set PILOTHOUSE_DATA_DIR to another folder."
        ) from None
    with lock:
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {_address(settings)}\n".encode())
        lock.flush()
        yield


def _shows_demo(app: Flask, settings: Settings, *, first_start: bool) -> bool:
    """Asked for, or a first look at an installation without targets; once there it stays until it is removed."""
    if settings.demo is False:
        return False
    nothing_to_watch = not db.session.scalar(select(func.count()).select_from(Target))
    if settings.demo or (first_start and nothing_to_watch):
        if settings.database_url:
            app.extensions["pilothouse_server"] = runtime.started_server(settings)
        click.echo("Making the demo shop …")
        demo.install(app.extensions["pilothouse_server"])
    return demo.is_installed()


class Greeting:
    """Said once, as soon as the pages answer; the password is not stored in words and never shown again."""

    def __init__(self, settings: Settings, email: str, password: str | None) -> None:
        self.settings = settings
        self.lines = ["", f"  Pilothouse runs on {_address(settings)}", f"  Sign in as         {email}"]
        if password:
            self.lines += [f"  with the password  {password}", "", "  The password is shown only this once."]
        self.lines += ["  Ctrl-C stops everything.", ""]

    def when_ready(self) -> bool:
        if not answers(self.settings.host, self.settings.port):
            return False
        click.echo("\n".join(self.lines))
        return True


def _address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    return f"http://{host}:{settings.port}"
