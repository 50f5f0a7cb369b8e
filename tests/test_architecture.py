"""The house keeps its shape: who imports whom, how long things are, what is never written."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "dashboard").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
SHARED = {"security", "targets"}
FEATURES = {path.parent.name for path in (ROOT / "dashboard").glob("*/routes.py")} - SHARED
PURE = {
    "rules", "evaluate", "wire", "forms", "formats", "charts", "ticks", "sqltext", "series", "layout", "names",
    "sqlmask", "sqlparams", "bucketing", "family", "windows", "cluster", "spans", "steps", "catalogue",
    "sqllines", "dying", "proposals",
    "shapes", "clauses", "parsing", "resolve", "selectivity", "matching", "costs", "candidates", "scans", "asks",
    "writes", "definition", "existing", "trials", "words",
    "verdicts", "verdicts_redundant", "verdicts_partitioned", "verdicts_keys", "verdicts_remedies", "verdicts_findings",
    "alembic_file",
    "growth", "forecast", "treemap", "marks", "records", "use", "rows", "lines",
    "parameters", "recorded", "masks", "concerns", "titles", "refusals", "differences",
    "tree", "locks", "protection", "waits", "shares", "stacks",
    "latency", "blocks", "comparison", "relations", "texts",
    "rollout", "targeting", "conditions", "rule_forms", "segment_forms", "segment_words", "rebucketing",
    "compiled", "inlining", "outcomes", "prerequisites", "prerequisite_forms", "compare", "flag_wire",
    "reach", "shared", "staleness", "value_schema", "text_patterns", "configuration",
    "unleash", "unleash_reading", "unleash_constraints", "unleash_strategies", "unleash_values", "unleash_needs",
    "unleash_addresses", "import_reading",
    "coercions", "fractional", "missing", "shortcuts", "logic", "semver", "reading", "flagset", "explain", "samples",
    "bulk_answers", "recent_rules", "usage_counts", "carried", "read_by", "rate",
}  # fmt: skip
IMPURE_ROOTS = {"flask", "flask_login", "flask_wtf", "sqlalchemy", "psycopg", "requests"}
CLOCKS = {"now", "utcnow", "time", "monotonic", "today"}
READS_FROM = {
    ("activity", "changes"),
    ("activity", "statements"),
    ("demo", "flags"),
    ("demo", "tables"),
    ("overview", "alerts"),
    ("overview", "changes"),
    ("overview", "history"),
    ("overview", "statements"),
    ("overview", "tables"),
    ("overview", "server"),
    ("overview", "findings"),
    ("alerts", "history"),
    ("alerts", "activity"),
    ("alerts", "server"),
    ("alerts", "statements"),
    ("alerts", "vacuum"),
    ("alerts", "flags"),
    ("server", "changes"),
    ("statements", "changes"),
    ("plans", "statements"),
    ("plans", "changes"),
    ("advice", "findings"),
    ("advice", "plans"),
    ("advice", "schema"),
    ("advice", "statements"),
    ("advice", "tables"),
    ("tables", "changes"),
    ("findings", "history"),
    ("tables", "findings"),
    ("tables", "server"),
    ("vacuum", "changes"),
    ("vacuum", "findings"),
    ("vacuum", "tables"),
    ("schema", "tables"),
    ("approvals", "flags"),
    ("ofrep", "flags"),
    ("palette", "flags"),
    ("palette", "tables"),
}
DRIVER_USERS = {
    "flags/live.py",
    "flags/loading.py",
    "flags/events.py",
    "targets/connect.py",
    "targets/pools.py",
    "targets/steer.py",
    "store.py",
    "web.py",
    "jobs.py",
    "embedded.py",
}


def module_name(path: Path) -> str:
    return str(path.relative_to(ROOT / "dashboard"))


def imports(path: Path) -> Iterator[str]:
    """Every imported module of a file, names of `from x import y` as x.y."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def feature_of(imported: str) -> str | None:
    parts = imported.split(".")
    return parts[1] if parts[0] == "dashboard" and len(parts) > 2 and parts[1] in FEATURES else None


@pytest.mark.parametrize("path", [path for path in SOURCES if path.stem in PURE], ids=module_name)
def test_pure_modules_know_neither_flask_nor_the_store_nor_a_clock(path: Path) -> None:
    assert not {
        name for name in imports(path) if name.split(".")[0] in IMPURE_ROOTS or name.startswith("dashboard.store")
    }
    calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert not [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS]


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parent.name in FEATURES], ids=module_name)
def test_features_import_each_other_only_where_it_is_listed(path: Path) -> None:
    own = path.parent.name
    others = {(own, other) for name in imports(path) if (other := feature_of(name)) and other != own}
    record = {name for name in imports(path) if name.startswith("dashboard.changes.record")}
    allowed = READS_FROM | ({(own, "changes")} if record else set())
    assert others <= allowed


def test_the_listed_pairs_make_no_circle() -> None:
    after = {first: {second for one, second in READS_FROM if one == first} for first, _ in READS_FROM}
    while after:
        leaves = {first for first, seconds in after.items() if not seconds & after.keys()}
        assert leaves, f"a circle among {sorted(after)}"
        after = {first: seconds for first, seconds in after.items() if first not in leaves}


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.stem in {"models", "queries", "edits"}], ids=module_name
)
def test_models_know_no_queries_queries_no_edits_and_nobody_the_routes(path: Path) -> None:
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "dashboard" and len(parts) > 3:
            assert parts[2] != "routes"
            if path.stem == "models":
                assert parts[2] == "models"
            if path.stem == "queries":
                assert parts[2] != "edits"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_only_the_rooms_made_for_it_speak_to_a_database_driver(path: Path) -> None:
    opens = {name for name in imports(path) if name.split(".")[0] in {"psycopg", "psycopg_pool"}}
    if opens - {"psycopg.sql", "psycopg.errors"}:
        assert module_name(path) in DRIVER_USERS or module_name(path).startswith(("targets/", "demo/"))


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {node.name: length for node in functions if (length := (node.end_lineno or 0) - node.lineno + 1) > 35}
    assert not long
    assert len(text.splitlines()) <= 250


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_nothing_unescaped_evaluated_or_unpickled_is_in_the_sources(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for banned in ("Markup(", "render_template_string", "pickle", "eval(", "exec(", "os.system", "shell=True"):
        assert not re.search(rf"(?<![A-Za-z_.]){re.escape(banned)}", text), banned


@pytest.mark.parametrize("path", [path for path in SOURCES if "subprocess" in set(imports(path))], ids=module_name)
def test_child_processes_are_started_only_by_the_server_and_the_supervisor(path: Path) -> None:
    assert module_name(path).split("/")[0].removesuffix(".py") in {"embedded", "system_user", "processes", "demo"}
