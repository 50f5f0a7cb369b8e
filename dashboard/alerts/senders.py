"""The three ways out: e-mail over SMTP, a signed webhook, and everything that Apprise speaks."""

import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import urllib3
from flask import current_app

from dashboard.alerts.wire import Outgoing, body_of, signature
from dashboard.settings import Settings
from dashboard.targets.addresses import ForbiddenAddress, UnknownHost, address_problem, resolve, unmapped

TIMEOUT_S = 10.0
NO_SMTP = "No mail server is set: give PILOTHOUSE_SMTP_URL and PILOTHOUSE_MAIL_FROM to the worker."


class NotSent(Exception):  # noqa: N818 - reads as what happened
    """A sentence for the page, without addresses' secrets; `is_lasting` when trying again cannot help."""

    def __init__(self, sentence: str, *, is_lasting: bool = False) -> None:
        super().__init__(sentence)
        self.sentence, self.is_lasting = sentence, is_lasting


@dataclass(frozen=True)
class Address:
    """Where a channel leads: recipients, or a URL, and the secret that signs a webhook."""

    to: str
    secret: str | None = field(default=None, repr=False)


def send(kind: str, address: Address, message: Outgoing) -> None:
    """Raises NotSent."""
    SENDERS[kind](address, message)


def _email(address: Address, message: Outgoing) -> None:
    settings: Settings = current_app.extensions["pilothouse_settings"]
    if settings.smtp_url is None or settings.mail_from is None:
        raise NotSent(NO_SMTP, is_lasting=True)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = settings.mail_from, address.to, message.subject
    mail["Message-ID"] = f"<{message.key}@{settings.mail_from.rpartition('@')[2].rstrip('>')}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    try:
        _over_smtp(settings.smtp_url.get_secret_value(), mail)
    except smtplib.SMTPRecipientsRefused:
        raise NotSent("The mail server refused every recipient.", is_lasting=True) from None
    except smtplib.SMTPAuthenticationError:
        raise NotSent("The mail server refused our name and password.") from None
    except (smtplib.SMTPException, OSError):
        raise NotSent("The mail server could not be reached or gave up.") from None


def _over_smtp(url: str, mail: EmailMessage) -> None:
    """smtps:// speaks TLS from the start; smtp:// turns to it where that is offered, and must off this machine."""
    parts = urlsplit(url)
    host, context = parts.hostname or "localhost", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT_S)
    with server:
        server.ehlo()
        if parts.scheme == "smtp" and (server.has_extn("starttls") or not _is_loopback(host)):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(mail)


def _is_loopback(host: str) -> bool:
    try:
        return all(unmapped(address).is_loopback for address in resolve(host, 25))
    except UnknownHost:
        return False


def _webhook(address: Address, message: Outgoing) -> None:
    """One POST to a checked address, redirects not followed: nobody can turn it to another host in between."""
    body, at = body_of(message), int(time.time())
    headers = {"Content-Type": "application/json", "User-Agent": "Pilothouse", "Idempotency-Key": message.key}
    if address.secret:
        headers["Pilothouse-Signature"] = signature(address.secret, at, body)
    try:
        status = _post(address.to, body, headers)
    except (ForbiddenAddress, UnknownHost) as refused:
        raise NotSent(str(refused), is_lasting=isinstance(refused, ForbiddenAddress)) from None
    except urllib3.exceptions.HTTPError:
        raise NotSent("The webhook did not answer within ten seconds, or its certificate is not valid.") from None
    if not 200 <= status < 300:
        raise NotSent(f"The webhook answered {status}.", is_lasting=status in {400, 401, 403, 404, 405, 410, 413})


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    parts = urlsplit(url)
    host, is_https = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_https else 80)
    place = allowed_address(host, port)
    pool = (
        urllib3.HTTPSConnectionPool(place, port, timeout=TIMEOUT_S, server_hostname=host, assert_hostname=host)
        if is_https
        else urllib3.HTTPConnectionPool(place, port, timeout=TIMEOUT_S)
    )
    with pool:
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        named = headers | {"Host": parts.netloc.rpartition("@")[2]}
        answer = pool.urlopen(
            "POST", path, body=body, headers=named, retries=False, redirect=False, preload_content=False
        )
        answer.release_conn()
        return answer.status


def allowed_address(host: str, port: int) -> str:
    """An address of the host that a webhook may go to: of the internet, or of the networks where targets may be."""
    settings: Settings = current_app.extensions["pilothouse_settings"]
    for address in (found := resolve(host, port)):
        plain = unmapped(address)
        is_public = plain.is_global and not plain.is_multicast
        if not is_public and (problem := address_problem(address, settings.target_networks)):
            raise ForbiddenAddress(problem)
    return str(found[0])


def _apprise(address: Address, message: Outgoing) -> None:
    from apprise import Apprise, AppriseAsset

    service = Apprise(asset=AppriseAsset(storage_mode="memory", service_timeout=TIMEOUT_S))
    if not service.add(address.to):
        raise NotSent("Apprise does not understand this address any more.", is_lasting=True)
    if not service.notify(title=message.subject, body=message.text, body_format="text"):
        raise NotSent("The service did not take the message.")


SENDERS: dict[str, Callable[[Address, Outgoing], None]] = {"email": _email, "webhook": _webhook, "apprise": _apprise}
