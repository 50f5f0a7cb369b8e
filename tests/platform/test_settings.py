"""Wrong settings stop the start, all at once, by name, without a secret in any message."""

import pytest

from dashboard.settings import SettingsError, load_settings

SECRET = "correct horse battery staple, and then some more"


def problems(**environ):
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return caught.value.problems


def test_without_variables_everything_has_a_default():
    settings = load_settings({})
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8000, None)
    assert (settings.store_connections, settings.store_connect_s) == (10, 30)
    assert (settings.store_idle_s, settings.store_attempts) == (600, 3)


def test_all_problems_are_told_at_once_by_name():
    found = problems(PORT="70000", PILOTHOUSE_DEMO="perhaps", DATABASE_URL="mysql://x/y", SECRET_KEY="short")
    assert [line.split()[0] for line in found] == ["DATABASE_URL", "SECRET_KEY", "PORT", "PILOTHOUSE_DEMO"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "eighty"),
        ("PILOTHOUSE_WEB_THREADS", "0"),
        ("PILOTHOUSE_STORE_CONNECT_S", "-1"),
        ("PILOTHOUSE_TARGET_NETWORKS", "10.0.0.0/33"),
        ("PILOTHOUSE_TARGETS", "/no/such/file.toml"),
        ("PILOTHOUSE_ADMIN_EMAIL", "not an address"),
        ("PILOTHOUSE_ADMIN_PASSWORD", "too short"),
        ("DATABASE_URL", "postgresql://host-without-database"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_variable(name, value):
    assert [line.split()[0] for line in problems(**{name: value})] == [name]


def test_a_mistyped_name_is_a_problem():
    assert problems(PILOTHOUSE_PROT="8000") == ["PILOTHOUSE_PROT is not a setting of Pilothouse"]


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "PILOTHOUSE_ADMIN_PASSWORD"])
def test_a_secret_may_come_from_a_file(tmp_path, name):
    value = f"postgresql://me:{'x' * 20}@host/name" if name == "DATABASE_URL" else SECRET
    (tmp_path / "secret").write_text(f"{value}\n")
    settings = load_settings({f"{name}_FILE": str(tmp_path / "secret")})
    stored = {
        "SECRET_KEY": settings.secret_key,
        "DATABASE_URL": settings.database_url,
        "PILOTHOUSE_ADMIN_PASSWORD": settings.admin_password,
    }[name]
    assert stored.get_secret_value().removeprefix("postgresql+psycopg") == value.removeprefix("postgresql")


def test_a_secret_and_its_file_are_not_both_taken(tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    found = problems(SECRET_KEY=SECRET, SECRET_KEY_FILE=str(tmp_path / "secret"))
    assert found == ["SECRET_KEY and SECRET_KEY_FILE are both set; keep one"]


def test_a_file_that_cannot_be_read_is_named_by_its_variable():
    assert problems(SECRET_KEY_FILE="/no/such/file") == ["SECRET_KEY_FILE names a file that cannot be read"]


def test_secrets_are_in_no_message_and_no_repr():
    wrong = problems(
        DATABASE_URL=f"mysql://me:{SECRET}@host/x", SECRET_KEY="canary", PILOTHOUSE_ADMIN_PASSWORD="canary"
    )
    assert SECRET not in str(wrong)
    assert "canary" not in str(wrong)
    assert SECRET not in repr(load_settings({"SECRET_KEY": SECRET}))


def test_tls_settings_of_the_store_pass_through():
    url = "postgresql://me@host/name?sslmode=verify-full&sslrootcert=/etc/ca.pem"
    settings = load_settings({"DATABASE_URL": url})
    assert settings.database_url.get_secret_value().endswith("?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem")
