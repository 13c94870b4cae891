"""Where the others are, how mail and text messages leave, and which keys seal what we store."""

from typing import Literal

from pydantic import field_validator

from libs.formats import CHECKS
from libs.seal import Seal, keys_of
from libs.settings import ServiceSettings
from services.notify.messages.rules import senders
from services.notify.messages.smtp_client import Server
from services.notify.webhooks.guard import networks_of


class Config(ServiceSettings):
    merchants_target: str  # gRPC targets, e.g. dns:///merchants-headless:50051
    oneclick_target: str
    paylink_target: str
    seal_keys: str  # Fernet keys, comma separated, the newest first
    public_url: str  # of the gateway: logos, SMS providers' notices

    smtp_url: str  # smtp://user:pass@host:port, smtp+starttls://…, smtps://…
    mail_from: str  # address that messages come from, e.g. pay@incasso.example
    bounce_domain: str = ""  # where returned mail arrives; empty: at mail_from
    sms_provider: Literal["", "twilio"] = ""
    twilio_account_sid: str = ""
    twilio_auth_token: str = ""
    twilio_from: str = ""  # number, or a messaging service, MG…
    twilio_sender_name: str = ""  # shown instead of the number, where it is registered
    twilio_sender_name_prefixes: str = ""  # there: calling codes, comma separated, e.g. +39,+41
    twilio_whatsapp_from: str = ""
    twilio_api_base: str = "https://api.twilio.com"

    webhook_allowed_networks: str = ""  # CIDRs, comma separated, that the SSRF guard lets pass

    @field_validator("smtp_url")
    @classmethod
    def _is_a_server(cls, url: str) -> str:
        Server.of(url)
        return url

    @field_validator("mail_from")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if wrong := CHECKS["FORMAT_EMAIL"](address):
            raise ValueError(wrong)
        return address

    @field_validator("twilio_from")
    @classmethod
    def _is_no_name(cls, sender: str) -> str:
        """Networks block names that nobody registered (in Italy AGCOM 12/23/CIR)."""
        if sender and not senders.NUMBER.fullmatch(sender):
            raise ValueError("must be a number; a name goes into INCASSO_TWILIO_SENDER_NAME")
        return sender

    @field_validator("twilio_sender_name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if name and not senders.NAME.fullmatch(name):
            raise ValueError("must have up to 11 letters, digits and blanks, one letter at least")
        return name

    @field_validator("twilio_sender_name_prefixes")
    @classmethod
    def _are_prefixes(cls, prefixes: str) -> str:
        senders.prefixes_of(prefixes)
        return prefixes

    @field_validator("webhook_allowed_networks")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        networks_of(networks)
        return networks

    @field_validator("seal_keys")
    @classmethod
    def _are_keys(cls, keys: str) -> str:
        if not keys_of(keys):
            raise ValueError("at least one Fernet key is needed")
        Seal(keys_of(keys))
        return keys
