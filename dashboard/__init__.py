"""The app: settings → store → security → web → features → commands. Only wiring."""

from flask import Flask

from dashboard import logs, store, web
from dashboard.activity.routes import blueprint as activity
from dashboard.advice.routes import blueprint as advice
from dashboard.alerts.routes import blueprint as alerts
from dashboard.approvals.routes import blueprint as approvals
from dashboard.changes.routes import blueprint as changes
from dashboard.demo.routes import blueprint as demo_shop
from dashboard.findings.routes import blueprint as findings
from dashboard.flags import live, recent, usage
from dashboard.flags.routes import blueprint as flags
from dashboard.flags.usage_routes import blueprint as flag_usage
from dashboard.health import blueprint as health
from dashboard.history.routes import blueprint as history
from dashboard.look import init_app as init_look
from dashboard.ofrep import answers, short_way
from dashboard.ofrep.routes import blueprint as ofrep
from dashboard.overview.routes import blueprint as overview
from dashboard.plans.routes import blueprint as plans
from dashboard.schema.routes import blueprint as schema
from dashboard.security import init_app as init_security
from dashboard.security.routes import blueprint as security
from dashboard.server.routes import blueprint as server
from dashboard.settings import Settings
from dashboard.statements.routes import blueprint as statements
from dashboard.tables.routes import blueprint as tables
from dashboard.targets import init_app as init_targets
from dashboard.targets.routes import blueprint as targets
from dashboard.vacuum.routes import blueprint as vacuum

FEATURES = (
    health, security, targets, overview, schema, tables, findings, vacuum, statements, plans, advice, activity, server,
    history, flags, flag_usage, ofrep, approvals, changes, alerts, demo_shop,
)  # fmt: skip


def create_app(settings: Settings, *, database_url: str, secret_key: str, wait_s: float = store.PAGE_WAIT_S) -> Flask:
    """The whole app on a store that is there already; `wait_s`: how long callers wait for a store connection."""
    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    app.config["SECRET_KEY"] = secret_key
    app.extensions["pilothouse_settings"] = settings
    store.init_app(app, settings, database_url, wait_s=wait_s)
    logs.init_app(app, settings)
    answers.init_app(app)
    short_way.init_app(app)
    init_security(app, settings)
    web.init_app(app)
    init_look(app)
    init_targets(app, settings)
    live.init_app(app)
    usage.init_app(app)
    recent.init_app(app)
    for blueprint in FEATURES:
        app.register_blueprint(blueprint)
    return app
