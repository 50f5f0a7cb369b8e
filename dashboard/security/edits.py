"""Changes of accounts and their sessions, each with its audit entry."""

from sqlalchemy import delete, func, select, text, update

from dashboard.errors import Conflict, Invalid, NotFound, PilothouseError
from dashboard.security import throttle
from dashboard.security.audit import record as audit
from dashboard.security.models import ROLES, Account, BrowserSession
from dashboard.security.passwords import hashed, is_outdated, matches, random_password, weakness
from dashboard.security.rules import one_line
from dashboard.security.sessions import begin
from dashboard.settings import Settings
from dashboard.store import db

FIRST_ADMIN_LOCK = 7_012_027


class WrongSignIn(PilothouseError):  # noqa: N818 - reads as what happened
    """One sentence whatever was wrong: it does not tell who has an account."""

    status = 401

    def __init__(self) -> None:
        super().__init__("E-mail and password do not match an account.")


def sign_in(email: str, password: str, address: str) -> Account:
    """Check and begin a session. Raises WrongSignIn or TooMany. The password is compared outside any transaction."""
    email = email.strip()[:254]
    throttle.attempt(email, address)
    known = select(Account.id, Account.password_hash).where(func.lower(Account.email) == email.lower(), Account.active)
    found = db.session.execute(known).one_or_none() if "\x00" not in email else None
    db.session.rollback()
    if not matches(found.password_hash if found else None, password) or found is None:
        raise WrongSignIn
    account = db.session.get_one(Account, found.id)
    throttle.succeeded(email, address)
    if is_outdated(account.password_hash):
        account.password_hash = hashed(password)
    account.signed_in_at = func.now()
    begin(account)
    audit("account.sign_in", account.email, author=account.email)
    return account


def create_account(*, email: str, name: str, role: str, password: str) -> Account:
    """Raises Invalid with every field that cannot be used."""
    problems: dict[str, str] = {}
    email = one_line("email", email, problems, longest=254)
    if email.count("@") != 1 or any(sign.isspace() for sign in email) or email[0] == "@" or email[-1] == "@":
        problems["email"] = "This is no e-mail address."
    name = one_line("name", name or email.partition("@")[0], problems, longest=100)
    if role not in ROLES:
        problems["role"] = f"The role is one of: {', '.join(ROLES)}."
    if weak := weakness(password, email):
        problems["password"] = weak
    if "email" not in problems and _account_of(email):
        problems["email"] = f"An account for {email} already exists."
    if problems:
        raise Invalid(problems)
    account = Account(email=email, name=name, role=role, password_hash=hashed(password), active=True, version=1)
    db.session.add(account)
    db.session.flush()
    audit("account.create", email, after={"email": email, "name": name, "role": role})
    return account


def change_role(account_id: int, role: str, version: int) -> None:
    """The account's sessions end: the next request asks with the new role only after signing in."""
    if role not in ROLES:
        raise Invalid({"role": f"The role is one of: {', '.join(ROLES)}."})
    admins = [] if role == "admin" else _locked_admins()
    account = locked(account_id, version)
    if account.role == role:
        return
    _keep_one(admins, account, "role")
    before, account.role = account.role, role
    _changed(account)
    audit("account.role", account.email, before={"role": before}, after={"role": role})


def set_active(account_id: int, active: bool, version: int) -> None:
    admins = [] if active else _locked_admins()
    account = locked(account_id, version)
    if account.active == active:
        return
    _keep_one(admins, account, "active")
    account.active = active
    _changed(account)
    audit(
        "account.enable" if active else "account.disable",
        account.email,
        before={"active": not active},
        after={"active": active},
    )


def reset_password(account_id: int, version: int) -> str:
    """A random password in place of a forgotten one; the caller shows it once."""
    account = locked(account_id, version)
    password = random_password()
    account.password_hash = hashed(password)
    _changed(account)
    audit("account.reset_password", account.email)
    return password


def change_password(account_id: int, current: str, new: str, again: str, address: str) -> None:
    """One's own. Every session ends, and this browser gets a new one."""
    throttle.attempt(_email(account_id), address)
    account = locked(account_id)
    problems = {}
    if not matches(account.password_hash, current):
        problems["current"] = "This is not your present password."
    if weak := weakness(new, account.email):
        problems["new"] = weak
    elif new != again:
        problems["again"] = "The two new passwords differ."
    if problems:
        raise Invalid(problems)
    throttle.succeeded(account.email, address)
    account.password_hash = hashed(new)
    _changed(account)
    begin(account)
    audit("account.password", account.email)


def end_session(account_id: int, session_id: int) -> None:
    mine = delete(BrowserSession).where(BrowserSession.id == session_id, BrowserSession.account_id == account_id)
    if not db.session.scalars(mine.returning(BrowserSession.id)).all():
        raise NotFound("This session has ended already.")
    audit("session.end", _email(account_id), after={"sessions_ended": 1})


def end_other_sessions(account_id: int, kept_id: int) -> int:
    others = delete(BrowserSession).where(BrowserSession.account_id == account_id, BrowserSession.id != kept_id)
    ended = len(db.session.scalars(others.returning(BrowserSession.id)).all())
    if ended:
        audit("session.end", _email(account_id), after={"sessions_ended": ended})
    return ended


def ensure_first_admin(settings: Settings) -> tuple[str, str | None]:
    """(the admin's e-mail, a password made just now or None): an account is made only when there is none at all.

    Commits; of several processes that start at once one makes it.
    """
    db.session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": FIRST_ADMIN_LOCK})
    admins = select(Account.email).where(Account.role == "admin", Account.active).order_by(Account.id).limit(1)
    if db.session.scalar(select(func.count()).select_from(Account)):
        known = db.session.scalar(admins)
        db.session.rollback()
        return known or "", None
    chosen_password = settings.admin_password.get_secret_value() if settings.admin_password else None
    made = None if chosen_password else random_password()
    account = create_account(
        email=settings.admin_email or "admin@localhost",
        name="",
        role="admin",
        password=chosen_password or made or "",
    )
    email = account.email
    db.session.commit()
    return email, made


def _account_of(email: str) -> Account | None:
    return db.session.scalar(select(Account).where(func.lower(Account.email) == email.lower()))


def _email(account_id: int) -> str:
    return db.session.scalars(select(Account.email).where(Account.id == account_id)).one()


def locked(account_id: int, version: int | None = None) -> Account:
    """The account for a change; Conflict when somebody changed it since `version`."""
    statement = select(Account).where(Account.id == account_id).with_for_update()
    account = db.session.scalar(statement.execution_options(populate_existing=True))
    if account is None:
        raise NotFound("There is no such account.")
    if version is not None and account.version != version:
        raise Conflict(
            f"Somebody changed {account.email} in the meantime: role {account.role}, "
            f"{'active' if account.active else 'disabled'}. Reload to see it."
        )
    return account


def _locked_admins() -> list[int]:
    """Locked in one order and before the account itself, so that two can neither remove each other nor lock up."""
    statement = select(Account.id).where(Account.role == "admin", Account.active).order_by(Account.id)
    return list(db.session.scalars(statement.with_for_update()))


def _keep_one(admins: list[int], account: Account, field: str) -> None:
    if admins == [account.id]:
        raise Invalid({field: f"{account.email} is the last admin. Make somebody else an admin first."})


def _changed(account: Account) -> None:
    """Rights or password changed: every session of the account ends at once."""
    db.session.flush()
    db.session.execute(update(Account).where(Account.id == account.id).values(version=Account.version + 1))
    db.session.execute(delete(BrowserSession).where(BrowserSession.account_id == account.id))
