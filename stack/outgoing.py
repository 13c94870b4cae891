"""How messages leave the embedded stack: through the sandbox's mail server and SMS provider.

Also the keys with which paylink and notify encrypt stored data; in other installations they are a
mounted secret.
"""

from pathlib import Path

from cryptography.fernet import Fernet

from stack.private import write_private

MAIL_FROM = "pay@incasso.example"
# Each message has its own return address in this domain, which identifies a bounce.
BOUNCE_DOMAIN = "bounces.incasso.example"
# The simulated SMS provider accepts any account, and has Twilio's own test numbers.
TWILIO_ACCOUNT_SID = "AC" + 32 * "0"
TWILIO_AUTH_TOKEN = "sandbox_twilio"  # noqa: S105  # of a simulated provider
TWILIO_FROM = "+15005550006"
TWILIO_WHATSAPP_FROM = "+14155238886"
# Receivers of webhooks run on this machine.
WEBHOOK_ALLOWED_NETWORKS = "127.0.0.0/8,::1/128"


def sandbox_env(*, gateway_url: str, smtp_port: int) -> dict[str, str]:
    return {
        "INCASSO_SANDBOX_SMTP_PORT": str(smtp_port),
        "INCASSO_SANDBOX_BOUNCE_URL": f"{gateway_url}/webhooks/bounces",
        "INCASSO_SANDBOX_TWILIO_AUTH_TOKEN": TWILIO_AUTH_TOKEN,
    }


def notify_env(*, sandbox_url: str, smtp_port: int) -> dict[str, str]:
    return {
        "INCASSO_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "INCASSO_MAIL_FROM": MAIL_FROM,
        "INCASSO_BOUNCE_DOMAIN": BOUNCE_DOMAIN,
        "INCASSO_SMS_PROVIDER": "twilio",
        "INCASSO_TWILIO_ACCOUNT_SID": TWILIO_ACCOUNT_SID,
        "INCASSO_TWILIO_AUTH_TOKEN": TWILIO_AUTH_TOKEN,
        "INCASSO_TWILIO_FROM": TWILIO_FROM,
        "INCASSO_TWILIO_WHATSAPP_FROM": TWILIO_WHATSAPP_FROM,
        "INCASSO_TWILIO_API_BASE": f"{sandbox_url}/twilio",
        "INCASSO_WEBHOOK_ALLOWED_NETWORKS": WEBHOOK_ALLOWED_NETWORKS,
    }


def ensure_seal_keys(file: Path) -> str:
    """Creates the keys once: data sealed by this stack can be opened with these keys only."""
    if not file.exists():
        write_private(file, f"{Fernet.generate_key().decode()}\n")
    return file.read_text().strip()
