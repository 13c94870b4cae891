"""Mail for the inbox's tests, and how it is sent."""

from email.message import EmailMessage

import aiosmtplib

from tests.waiting import HANGING_SECONDS

SENDER = "bounce+msg_1@incasso.example"


def letter(to: str = "giulia@example.com", *, subject: str = "Paga 129,00 €") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Bottega <pay@incasso.example>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = "<msg_1@incasso.example>"
    message.set_content("Paga qui: https://pay.example/p/abc?x=1&y=2.\n")
    message.add_alternative(
        "<!doctype html><html><head><style>p{color:red}</style></head><body><p>Ciao</p>"
        '<a href="https://pay.example/p/abc?x=1&amp;y=2">Paga</a> <a href="mailto:x@y.z">x</a>'
        '<img src="cid:logo"></body></html>',
        subtype="html",
    )
    html = message.get_payload()[1]
    html.add_related(b"\x89PNG", "image", "png", cid="<logo>")
    return message


async def post(sandbox, message: EmailMessage | None = None, *to: str, **options) -> None:
    message = message or letter(*to[:1])
    await aiosmtplib.send(
        message,
        hostname="127.0.0.1",
        port=sandbox.smtp_port,
        sender=options.pop("sender", SENDER),
        recipients=list(to) or [message["To"]],
        start_tls=False,
        timeout=HANGING_SECONDS,
        **options,
    )
