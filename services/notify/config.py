"""Where the others are, how mail and text messages leave, and which keys seal what we store."""

from typing import Literal

from libs.settings import ServiceSettings


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
    twilio_from: str = ""
    twilio_whatsapp_from: str = ""
    twilio_api_base: str = "https://api.twilio.com"

    webhook_allowed_networks: str = ""  # CIDRs, comma separated, that the SSRF guard lets pass
