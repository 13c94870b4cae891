"""Delivery status notifications (RFC 3464) for mail that was accepted and could not be delivered.
Pure.
"""

from datetime import UTC, datetime
from email.utils import format_datetime, make_msgid

from services.sandbox.inbox import reading

HOST = "sandbox.incasso.example"
REASON = "5.1.1"
DIAGNOSTIC = f"550 {REASON} <{{recipient}}>: the mailbox does not exist"
NOTIFICATION = """\
From: Mail Delivery System <MAILER-DAEMON@{host}>
To: {sender}
Subject: Undelivered Mail Returned to Sender
Date: {moment}
Message-ID: {identifier}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset=utf-8

This is the mail system at {host}.

Your message could not be delivered to <{recipient}>:
{diagnostic}

--{boundary}
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}
Arrival-Date: {moment}

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822; {recipient}
Action: failed
Status: {reason}
Remote-MTA: dns; mx.{host}
Diagnostic-Code: smtp; {diagnostic}

--{boundary}
Content-Type: text/rfc822-headers; charset=utf-8

{headers}

--{boundary}--
"""


def notification(raw: bytes, *, sender: str, recipient: str, now: float) -> bytes:
    """`sender` is the envelope's: the address for notifications about the message.

    Written by hand: real mail servers follow a template as well, and the third part repeats the
    message's headers as received, folded or not.
    """
    identifier = make_msgid(domain=HOST)
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode(errors="replace")
    text = NOTIFICATION.format(
        host=HOST,
        sender=sender,
        recipient=recipient,
        moment=format_datetime(datetime.fromtimestamp(now, UTC)),
        identifier=identifier,
        boundary=f"=_{abs(hash(identifier)):x}",
        reason=REASON,
        diagnostic=DIAGNOSTIC.format(recipient=recipient),
        headers=head,
    )
    return text.replace("\n", "\r\n").encode()


def wants_notification(raw: bytes, sender: str) -> bool:
    """A bounce never causes another bounce (RFC 3834)."""
    automatic = reading.header(reading.parse(raw), "Auto-Submitted").lower()
    return bool(sender) and automatic != "auto-replied"
