"""Messages in the inbox's own API. Pure."""

from datetime import UTC, datetime
from typing import Any

from services.sandbox.books.messages import Message
from services.sandbox.inbox import reading, segments


def message(row: Message) -> dict[str, Any]:
    """The same fields for every channel; an SMS has neither subject nor HTML."""
    view: dict[str, Any] = {
        "id": row.id,
        "channel": row.channel,
        "from": row.sender,
        "to": row.recipient,
        "state": row.state,
        "received_at": datetime.fromtimestamp(row.received_at, UTC).isoformat(),
    }
    if row.channel == "email":
        mail = reading.read(row.body)
        return view | {
            "message_id": row.message_id,
            "author": mail.author,
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
            "links": mail.links,
            "headers": mail.headers,
            "size_bytes": len(row.body),
        }
    length = segments.measure(row.text)
    return view | {
        "subject": "",
        "text": row.text,
        "html": "",
        "links": reading.links_of_text(row.text),
        "encoding": length.encoding,
        "characters": length.units,
        "segments": length.segments,
    }
