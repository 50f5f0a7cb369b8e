"""Every environment variable: name, type, default and help; wrong values stop the start and name the variable."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

SECRETS = ("DATABASE_URL", "SECRET_KEY", "PILOTHOUSE_ADMIN_PASSWORD", "PILOTHOUSE_SMTP_URL")
Network = IPv4Network | IPv6Network


class SettingsError(ValueError):
    """All problems at once, one sentence each, without the values of secrets."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def env(name: str, default: Any, description: str, **limits: Any) -> Any:
    return Field(default, validation_alias=AliasChoices(name), description=description, **limits)


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True, hide_input_in_errors=True)

    database_url: SecretStr | None = env(
        "DATABASE_URL",
        None,
        "The store, `postgresql://user:password@host/name`; built-in PostgreSQL when unset",
    )
    secret_key: SecretStr | None = env(
        "SECRET_KEY",
        None,
        "Signs and seals; at least 32 characters; created once in the data folder when unset",
    )
    host: str = env("HOST", "127.0.0.1", "Address to listen on", min_length=1)
    port: int = env("PORT", 8000, "Port to listen on", ge=1, le=65535)
    events_port: int = env("PILOTHOUSE_EVENTS_PORT", 8001, "Port of the change streams", ge=1, le=65535)
    events_url: str | None = env(
        "PILOTHOUSE_EVENTS_URL",
        None,
        "Where applications reach the change streams, `https://flags.example.org`; not announced when unset",
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
    )
    flags_per_second: int = env(
        "PILOTHOUSE_FLAGS_PER_SECOND", 0, "Evaluations a second for one API key in a web process; 0: any number", ge=0
    )
    data_dir: Path | None = env(
        "PILOTHOUSE_DATA_DIR",
        None,
        "Folder of the built-in PostgreSQL and the created secret; `./var`, as root a folder of this checkout "
        "below `/var/lib/pilothouse`",
    )
    demo: bool | None = env(
        "PILOTHOUSE_DEMO", None, "1 adds the demo shop, 0 never does; unset: on a first start without targets"
    )
    admin_email: str | None = env("PILOTHOUSE_ADMIN_EMAIL", None, "E-mail of the first admin", max_length=254)
    admin_password: SecretStr | None = env(
        "PILOTHOUSE_ADMIN_PASSWORD",
        None,
        "Password of the first admin, 15 characters or more; printed once when unset",
    )
    targets: Path | None = env("PILOTHOUSE_TARGETS", None, "TOML file with targets to watch")
    target_networks: tuple[Network, ...] = env(
        "PILOTHOUSE_TARGET_NETWORKS",
        "127.0.0.0/8,::1/128",
        "Networks where targets may be, separated by commas; link-local addresses are always refused",
    )
    trusted_hosts: tuple[str, ...] = env(
        "PILOTHOUSE_TRUSTED_HOSTS",
        "",
        "Host names the pages answer to, separated by commas; loopback and HOST are always among them",
    )
    proxies: int = env(
        "PILOTHOUSE_PROXIES", 0, "How many reverse proxies stand in front and set X-Forwarded-*", ge=0, le=5
    )
    web_processes: int = env("PILOTHOUSE_WEB_PROCESSES", 2, "Web processes", ge=1, le=64)
    web_threads: int = env("PILOTHOUSE_WEB_THREADS", 8, "Threads in each web process", ge=1, le=64)
    store_connections: int = env("PILOTHOUSE_STORE_CONNECTIONS", 10, "Store connections per process", ge=2, le=200)
    store_connect_s: float = env(
        "PILOTHOUSE_STORE_CONNECT_S", 30, "Seconds that worker and commands wait for the store", ge=1, le=300
    )
    store_idle_s: float = env(
        "PILOTHOUSE_STORE_IDLE_S", 600, "Seconds until an idle store connection is closed", ge=10, le=86_400
    )
    store_attempts: int = env("PILOTHOUSE_STORE_ATTEMPTS", 3, "Attempts to reach the store", ge=1, le=10)
    session_idle_min: int = env(
        "PILOTHOUSE_SESSION_IDLE_MIN", 480, "Minutes without a request until a session ends", ge=5, le=10_080
    )
    session_absolute_h: int = env(
        "PILOTHOUSE_SESSION_ABSOLUTE_H", 168, "Hours until a session ends in any case", ge=1, le=2_160
    )
    url: str | None = env(
        "PILOTHOUSE_URL",
        None,
        "Where people open these pages, `https://pilothouse.example.org`; links in notifications start with it",
        pattern=r"^https?://[^\s/?#]+$",
    )
    smtp_url: SecretStr | None = env(
        "PILOTHOUSE_SMTP_URL",
        None,
        "Mail server of e-mail notifications, `smtp://user:password@host:587` or `smtps://…`",
    )
    mail_from: str | None = env(
        "PILOTHOUSE_MAIL_FROM",
        None,
        "Sender of e-mail notifications",
        max_length=254,
        pattern=r"^[^\s@<>]+@[^\s@<>]+$",
    )
    keep_minutes_d: int = env(
        "PILOTHOUSE_KEEP_MINUTES_D", 7, "Days that samples of minutes are kept; older ones become hours", ge=1, le=90
    )
    keep_hours_d: int = env(
        "PILOTHOUSE_KEEP_HOURS_D", 90, "Days that hours are kept; older ones become days", ge=90, le=3_650
    )
    keep_days_d: int = env("PILOTHOUSE_KEEP_DAYS_D", 730, "Days that samples are kept at all", ge=90, le=3_650)

    @field_validator("keep_days_d")
    @classmethod
    def is_longest(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("keep_hours_d", value):
            raise ValueError("is shorter than PILOTHOUSE_KEEP_HOURS_D")
        return value

    @field_validator("database_url")
    @classmethod
    def is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        try:
            url = make_url(value.get_secret_value())
        except (ArgumentError, ValueError):
            raise ValueError("is not a database URL") from None
        if url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
            raise ValueError("must start with postgresql://")
        if not url.database:
            raise ValueError("names no database")
        return SecretStr(url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False))

    @field_validator("smtp_url")
    @classmethod
    def is_smtp(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("smtp://", "smtps://")):
            raise ValueError("must start with smtp:// or smtps://")
        return value

    @field_validator("secret_key", "admin_password")
    @classmethod
    def is_long(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        shortest = 32 if info.field_name == "secret_key" else 15
        if value is not None and len(value.get_secret_value()) < shortest:
            raise ValueError(f"is shorter than {shortest} characters")
        return value

    @field_validator("admin_email")
    @classmethod
    def is_address(cls, value: str | None) -> str | None:
        if value is not None and (value.count("@") != 1 or any(sign.isspace() for sign in value)):
            raise ValueError("is not an e-mail address")
        return value

    @field_validator("targets")
    @classmethod
    def is_file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError("is not a readable file")
        return value

    @field_validator("target_networks", mode="before")
    @classmethod
    def are_networks(cls, value: str) -> tuple[Network, ...]:
        try:
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("is not a list of networks such as 10.0.0.0/8,fd00::/8") from None

    @field_validator("trusted_hosts", mode="before")
    @classmethod
    def split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def variable(field: str) -> str:
    """The environment variable of a field."""
    alias = Settings.model_fields[field].validation_alias
    assert isinstance(alias, AliasChoices)  # noqa: S101 - every field is made by env()
    return str(alias.choices[0])


VARIABLES = {variable(field): field for field in Settings.model_fields}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read, cast and check every variable.

    Raises SettingsError with all problems. An empty value counts as unset. Names that start with PILOTHOUSE_
    and are unknown are problems too: a typing mistake must not silently leave a default in force.
    """
    problems: list[str] = []
    values = {name: environ[name] for name in VARIABLES if environ.get(name)}
    for name in SECRETS:
        values |= _from_file(name, environ, problems)
    known = VARIABLES.keys() | {f"{name}_FILE" for name in SECRETS}
    problems += [
        f"{name} is not a setting of Pilothouse"
        for name in sorted(environ)
        if name.startswith("PILOTHOUSE_") and name not in known
    ]
    settings = None
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_sentence(item["loc"], item["msg"]) for item in error.errors(include_input=False)]
    if problems or settings is None:
        raise SettingsError(problems)
    return settings


def _from_file(name: str, environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    path = environ.get(f"{name}_FILE")
    if not path:
        return {}
    if environ.get(name):
        problems.append(f"{name} and {name}_FILE are both set; keep one")
        return {}
    try:
        return {name: Path(path).read_text(encoding="utf-8").rstrip("\r\n")}
    except (OSError, UnicodeDecodeError):
        problems.append(f"{name}_FILE names a file that cannot be read")
        return {}


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{location[0]} {text[:1].lower()}{text[1:]}"
