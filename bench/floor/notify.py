"""Sends a mail with a fixed text for each event."""

import asyncio
from typing import Any, Final

import aiosmtplib
import nats

from bench.floor.places import BODY, HOST, STREAM, SUBJECT, TIMEOUT_SECONDS, Places, new_id, pool

BATCH: Final = 100
MAIL: Final = ("Subject: Receipt\r\n\r\n" + "Thank you. " * 200).encode()


async def notify(places: Places) -> object:
    stream = (await nats.connect(places.nats)).jetstream()
    events = await stream.pull_subscribe(SUBJECT, "notify", stream=STREAM)
    smtp = aiosmtplib.SMTP(hostname=HOST, port=places.smtp, use_tls=False, start_tls=False)
    await smtp.connect()
    return asyncio.create_task(send_mails(events, smtp, await pool(places)))


async def send_mails(events: Any, smtp: aiosmtplib.SMTP, database: Any) -> None:
    """For each batch of events: stores messages, acknowledges, claims, sends over one connection, marks as sent."""
    while True:
        try:
            batch = await events.fetch(BATCH, timeout=TIMEOUT_SECONDS)
        except nats.errors.TimeoutError:
            continue
        ids = [new_id() for _ in batch]
        await database.execute(
            "INSERT INTO messages (id, state, body, due_at)"
            " SELECT unnest($1::text[]), 'due', $2, now()",
            ids,
            BODY,
        )
        await asyncio.gather(*(event.ack() for event in batch))
        await database.execute("UPDATE messages SET state = 'sending' WHERE id = ANY($1)", ids)
        for _ in ids:
            await smtp.sendmail("shop@example.com", ["shopper@example.com"], MAIL)
        await database.execute(
            "UPDATE messages SET state = 'sent', due_at = NULL WHERE id = ANY($1)", ids
        )
