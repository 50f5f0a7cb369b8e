"""The command line: exit 0 done, 1 refused with one sentence on stderr, 2 wrong usage or wrong settings."""

import copy
import functools
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from dashboard import jobs, logs, processes, runtime, up, web
from dashboard.demo import load
from dashboard.doctor import findings
from dashboard.errors import PilothouseError
from dashboard.flags import events
from dashboard.flags.commands import commands as flags_commands
from dashboard.processes import refuse_taken_ports
from dashboard.security.commands import commands as security_commands
from dashboard.settings import Settings, SettingsError
from dashboard.targets.commands import commands as targets_commands


class Pilothouse(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            click.echo("\n".join(error.problems), err=True)
            ctx.exit(2)
        except PilothouseError as error:
            click.echo(error.sentence, err=True)
            ctx.exit(1)
        except (OperationalError, PoolExhausted):
            logging.getLogger(__name__).warning("the store failed", exc_info=True)
            click.echo(web.SENTENCES[503], err=True)
            ctx.exit(1)


@click.group(cls=Pilothouse, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pilothouse")
@click.option("--parent", type=int, hidden=True, help="End when this process ends.")
@click.option("--beat", type=int, hidden=True, help="Write to this descriptor as a sign of life.")
@click.pass_context
def main(ctx: click.Context, parent: int | None, beat: int | None) -> None:
    """One screen for the PostgreSQL behind your application."""
    ctx.obj = beat
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if parent:
        processes.end_with_parent(parent)


@main.command("up")
def up_command() -> None:
    """Start everything on this machine: database, migrations, first admin, web, worker and change streams."""
    up.run(runtime.settings_from_environment())


@main.command("web")
def web_command() -> None:
    """Serve the pages (gunicorn), on HOST and PORT."""
    settings = runtime.settings_from_environment()
    refuse_taken_ports(settings.host, settings.port)
    if settings.database_url is None:
        runtime.started_server(settings)
    from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]

    root = Path(__file__).parent.parent
    sys.argv = ["pilothouse web", "--chdir", str(root), "--config", str(root / "gunicorn.conf.py"), "wsgi:app"]
    WSGIApplication("%(prog)s", prog="pilothouse web").run()


@main.command("worker")
def worker_command() -> None:
    """Run jobs: keep the queue's worker running and end it when it gives no sign of life."""
    settings = runtime.settings_from_environment()
    logs.set_up(settings)
    if settings.database_url is None:
        runtime.started_server(settings)
    with processes.stoppable():
        processes.keep_running([processes.Child("queue", beats=True)], grace_s=30)


@main.command("queue", hidden=True)
@click.pass_obj
def queue_command(beat: int | None) -> None:
    """One worker of the queue, without a supervisor."""
    settings = runtime.settings_from_environment()
    app = runtime.app_with(settings, wait_s=settings.store_connect_s)
    app.config["AUTHOR"] = "worker"
    runtime.wait_for_store(app)
    jobs.run_worker(app, lambda: None if beat is None else _beat(beat))


@main.command("events")
def events_command() -> None:
    """Serve the change streams of flags, on PILOTHOUSE_EVENTS_PORT."""
    settings = runtime.settings_from_environment()
    refuse_taken_ports(settings.host, settings.events_port)
    on = runtime.opened(settings)
    events.serve(settings, on.database_url, on.secret_key)


@main.command("demo", hidden=True)
def demo_command() -> None:
    """The load of the demo shop."""
    settings = runtime.settings_from_environment()
    load.run(runtime.app_with(settings, wait_s=settings.store_connect_s))


@click.command("doctor")
def doctor_command() -> None:
    """Check settings, data folder, store, worker and targets, and say what to do about what is wrong."""
    found = findings()
    for finding in found:
        click.echo(f"{'ok      ' if finding.good else 'PROBLEM '} {finding.sentence}")
    if not all(finding.good for finding in found):
        raise PilothouseError("Something needs attention.")


def in_app(command: click.Command) -> click.Command:
    """A copy that runs, with what it groups, inside the app, with the long waits of commands."""
    copied = copy.copy(command)
    if isinstance(copied, click.Group):
        copied.commands = {name: in_app(inner) for name, inner in copied.commands.items()}
    elif copied.callback:
        copied.callback = _inside(copied.callback)
    return copied


def _inside(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        with _app(runtime.settings_from_environment()).app_context():
            return callback(*args, **kwargs)

    return run


def _app(settings: Settings) -> Flask:
    app = runtime.app_with(settings, wait_s=settings.store_connect_s, log_level=logging.ERROR)
    runtime.wait_for_store(app)
    return app


def _beat(descriptor: int) -> None:
    os.write(descriptor, b".")


for feature_command in (*targets_commands, *flags_commands, *security_commands, doctor_command):
    main.add_command(in_app(feature_command))
