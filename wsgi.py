"""The app object for gunicorn and `flask --app wsgi`."""

from dashboard.runtime import app_from_environment

app = app_from_environment()
