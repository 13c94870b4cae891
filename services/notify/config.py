"""Addresses of other services, how mail and text messages are sent, and the seal keys."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from libs.formats import CHECKS
from libs.seal import Seal, keys_of
from libs.settings import ServiceSettings
from services.notify.messages.rules import senders
from services.notify.messages.smtp_client import Server
from services.notify.webhooks.guard import networks_of


def _read_by(check: Callable[[str], Any]) -> AfterValidator:
    """Validates the text with `check`, which raises ValueError for an invalid one."""

    def validate(text: str) -> str:
        check(text)
        return text

    return AfterValidator(validate)


def _address(text: str) -> None:
    if wrong := CHECKS["FORMAT_EMAIL"](text):
        raise ValueError(wrong)


def _number(text: str) -> None:
    """A number only: networks block unregistered names (in Italy by AGCOM 12/23/CIR)."""
    if text and not senders.NUMBER.fullmatch(text):
        raise ValueError("must be a number; a name goes into INCASSO_TWILIO_SENDER_NAME")


def _name(text: str) -> None:
    if text and not senders.NAME.fullmatch(text):
        raise ValueError("must have up to 11 letters, digits and blanks, one letter at least")


def _keys(text: str) -> None:
    if not keys_of(text):
        raise ValueError("at least one Fernet key is needed")
    Seal(keys_of(text))


class Config(ServiceSettings):
    merchants_target: str  # gRPC targets, e.g. dns:///merchants-headless:50051
    oneclick_target: str
    paylink_target: str
    instalments_target: str
    cod_target: str
    reporting_target: str
    seal_keys: Annotated[str, _read_by(_keys)]  # Fernet keys, comma-separated, newest first
    public_url: str  # of the gateway: logos, SMS providers' notices

    # smtp://user:pass@host:port, smtp+starttls://…, smtps://…
    smtp_url: Annotated[str, _read_by(Server.of)]
    mail_from: Annotated[str, _read_by(_address)]  # of messages, e.g. pay@incasso.example
    bounce_domain: str = ""  # where returned mail arrives; empty: at mail_from
    sms_provider: Literal["", "twilio"] = ""
    twilio_account_sid: str = ""
    twilio_auth_token: str = ""
    twilio_from: Annotated[str, _read_by(_number)] = ""  # number, or a messaging service, MG…
    # Shown instead of the number where it is registered.
    twilio_sender_name: Annotated[str, _read_by(_name)] = ""
    # Where it is registered: calling codes, comma-separated, e.g. +39,+41.
    twilio_sender_name_prefixes: Annotated[str, _read_by(senders.prefixes_of)] = ""
    twilio_whatsapp_from: str = ""
    twilio_api_base: str = "https://api.twilio.com"

    # Comma-separated CIDRs that the SSRF guard allows.
    webhook_allowed_networks: Annotated[str, _read_by(networks_of)] = ""
