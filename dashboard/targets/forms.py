"""What a person typed about a target or an environment → checked values (pure); the same for page, command and file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dashboard.errors import Invalid
from dashboard.settings import Network
from dashboard.targets.addresses import is_local, written_problem

SSLMODES = ("verify-full", "verify-ca", "require", "disable")
PURPOSES = ("watch", "explain", "steer")
COLORS = ("green", "amber", "red", "blue", "violet", "teal", "pink", "grey")
SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")
RESERVED = {"new", "demo"}
LONGEST_IDENTIFIER_BYTES = 63
LONGEST_PASSWORD = 1000
MOST_APPROVALS = 20


@dataclass(frozen=True)
class Login:
    """`password` None: none was given, the stored one stays."""

    user: str
    password: str | None = field(repr=False)


@dataclass(frozen=True)
class TargetForm:
    slug: str
    name: str
    environment: str
    host: str
    port: int
    dbname: str
    sslmode: str
    sslrootcert: str | None
    migrations_dir: str | None
    logins: Mapping[str, Login]


@dataclass(frozen=True)
class EnvironmentForm:
    slug: str
    name: str
    color: str
    position: int
    is_production: bool
    approvals_needed: int = 0
    keeps_contexts: bool = False


def read_target(values: Mapping[str, str], *, socket_dir: str | None, networks: Sequence[Network]) -> TargetForm:
    """Raises Invalid with every field that cannot be used."""
    problems: dict[str, str] = {}
    slug = _slug(values, problems)
    host = values.get("host", "").strip() or "127.0.0.1"
    if problem := written_problem(host, socket_dir, networks):
        problems["host"] = problem
    local = is_local(host, socket_dir)
    form = TargetForm(
        slug=slug,
        name=_line("name", values.get("name", "").strip() or slug, problems),
        environment=values.get("environment", "").strip() or "development",
        host=host,
        port=_number("port", values.get("port", "").strip() or "5432", problems, 1, 65_535),
        dbname=_identifier("dbname", values.get("dbname", ""), problems),
        sslmode=_sslmode(values.get("sslmode", "").strip(), values.get("sslrootcert", ""), problems, local=local),
        sslrootcert=values.get("sslrootcert", "").strip() or None,
        migrations_dir=_line("migrations", values["migrations"], problems, longest=1000)
        if values.get("migrations", "").strip()
        else None,
        logins=_logins(values, problems),
    )
    if problems:
        raise Invalid(problems)
    return form


def read_environment(values: Mapping[str, str]) -> EnvironmentForm:
    """Raises Invalid with every field that cannot be used."""
    problems: dict[str, str] = {}
    slug = _slug(values, problems)
    color = values.get("color", "")
    if color not in COLORS:
        problems["color"] = f"The colour is one of: {', '.join(COLORS)}."
    form = EnvironmentForm(
        slug=slug,
        name=_line("name", values.get("name", "").strip() or slug, problems),
        color=color,
        position=_number("position", values.get("position", "").strip() or "10", problems, 0, 1000),
        is_production=bool(values.get("is_production")),
        approvals_needed=_number(
            "approvals_needed", values.get("approvals_needed", "").strip() or "0", problems, 0, MOST_APPROVALS
        ),
        keeps_contexts=bool(values.get("keeps_contexts")),
    )
    if problems:
        raise Invalid(problems)
    return form


def version_of(values: Mapping[str, str]) -> int:
    """The version that the form showed. Raises Invalid."""
    text = values.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid({"version": "The form is incomplete: reload the page."})
    return int(text)


def _slug(values: Mapping[str, str], problems: dict[str, str]) -> str:
    slug = values.get("slug", "").strip()
    if not SLUG.match(slug):
        problems["slug"] = "1 to 40 small letters, digits and hyphens; it stands in the page's address."
    elif slug in RESERVED:
        problems["slug"] = "This word stands for something else in addresses; take another."
    return slug


def _line(name: str, text: str, problems: dict[str, str], longest: int = 80) -> str:
    text = text.strip()
    if not text or len(text) > longest or not text.isprintable():
        problems[name] = f"1 to {longest} characters on one line."
    return text


def _identifier(name: str, text: str, problems: dict[str, str]) -> str:
    """A name inside PostgreSQL, of any characters but controls; spaces at its ends belong to it."""
    if not text or not text.isprintable() or len(text.encode()) > LONGEST_IDENTIFIER_BYTES:
        problems[name] = f"1 to {LONGEST_IDENTIFIER_BYTES} bytes, no control characters."
    return text


def _number(name: str, text: str, problems: dict[str, str], least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        problems[name] = f"A number from {least} to {most}."
        return least
    return int(text)


def _sslmode(mode: str, sslrootcert: str, problems: dict[str, str], *, local: bool) -> str:
    mode = mode or ("disable" if local else "verify-full")
    if mode not in SSLMODES:
        problems["sslmode"] = f"One of: {', '.join(SSLMODES)}."
    elif mode == "disable" and not local:
        problems["sslmode"] = "Without TLS only to this machine's loopback or the built-in server's socket."
    elif mode == "verify-ca" and not sslrootcert.strip():
        problems["sslmode"] = "verify-ca needs a root certificate (--sslrootcert); verify-full uses the system's."
    return mode


def _logins(values: Mapping[str, str], problems: dict[str, str]) -> dict[str, Login]:
    """Watching always; explaining and steering when their role is named."""
    logins = {}
    for purpose in PURPOSES:
        prefix = "" if purpose == "watch" else f"{purpose}_"
        user, password = values.get(f"{prefix}user", ""), values.get(f"{prefix}password") or None
        if not user and purpose != "watch":
            continue
        if password is not None and ("\x00" in password or len(password) > LONGEST_PASSWORD):
            problems[f"{prefix}password"] = f"At most {LONGEST_PASSWORD} characters without NUL."
        logins[purpose] = Login(_identifier(f"{prefix}user", user, problems), password)
    return logins
