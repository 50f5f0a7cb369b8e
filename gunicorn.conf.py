"""How gunicorn serves Pilothouse; numbers come from the settings."""

import os
import shutil
import tempfile

from prometheus_client import values

from dashboard.logs import JsonLines, secrets_of
from dashboard.runtime import settings_from_environment

settings = settings_from_environment()

bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
worker_class = "gthread"
workers = settings.web_processes
threads = settings.web_threads
# Above the longest that a page may take, so that a stop ends no request.
graceful_timeout = 15
timeout = 60
keepalive = 5
control_socket_disable = True
proc_name = "pilothouse-web"
# Who may set X-Forwarded-* is decided by PILOTHOUSE_PROXIES, not by gunicorn.
forwarded_allow_ips = ""
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - as gunicorn advises
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonLines, "secrets": secrets_of(settings)}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "propagate": True, "handlers": []}},
}
# The web processes count together, in files; prometheus-client chose before this folder was known.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="pilothouse-metrics-")
values.ValueClass = values.get_value_class()


def post_worker_init(worker):  # noqa: ANN001, ANN201 - gunicorn's own hook
    from dashboard.flags import live, usage

    live.start(worker.wsgi)
    usage.start(worker.wsgi)


def worker_exit(_server, worker):  # noqa: ANN001, ANN201 - gunicorn's own hook
    from dashboard.flags import usage

    if extensions := getattr(getattr(worker, "wsgi", None), "extensions", None):
        extensions[usage.EXTENSION].stop()


def child_exit(_server, worker):  # noqa: ANN001, ANN201 - gunicorn's own hook
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(_server):  # noqa: ANN001, ANN201
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
