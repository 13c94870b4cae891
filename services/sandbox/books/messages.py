"""Messages that reached the inbox: one row per recipient, e-mails as received."""

import dataclasses
import sqlite3
from dataclasses import dataclass
from operator import attrgetter

MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """`body` is the raw e-mail, or the text of an SMS in UTF-8. Phone numbers have no prefix."""

    id: str
    channel: str
    sender: str
    recipient: str
    subject: str
    state: str
    error_code: int | None
    account_sid: str | None
    message_id: str | None
    received_at: float
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


_COLUMNS = ", ".join(field.name for field in dataclasses.fields(Message))
_ROW = attrgetter(*(field.name for field in dataclasses.fields(Message)))
_INSERT = f"INSERT INTO messages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # our own names
_FIND = f"SELECT {_COLUMNS} FROM messages WHERE id = ?"  # noqa: S608  # as above
_LATEST = f"""
SELECT {_COLUMNS} FROM messages
WHERE (:recipient IS NULL OR recipient = :recipient)
  AND (:part IS NULL OR instr(lower(recipient), lower(:part)) > 0)
  AND (:channel IS NULL OR channel = :channel)
  AND received_at >= :since AND received_at < :before
ORDER BY sequence DESC LIMIT :limit
"""  # noqa: S608  # as above


def insert(conn: sqlite3.Connection, message: Message) -> None:
    """Drops the oldest to make room, so that the inbox stays small even if it is never emptied."""
    sequence = conn.execute(_INSERT, _ROW(message)).lastrowid or 0
    conn.execute("DELETE FROM messages WHERE sequence <= ?", (sequence - MOST_KEPT,))


def find(conn: sqlite3.Connection, message_id: str) -> Message | None:
    row = conn.execute(_FIND, (message_id,)).fetchone()
    return Message(*row) if row else None


def latest(
    conn: sqlite3.Connection,
    *,
    recipient: str | None = None,
    part: str | None = None,
    channel: str | None = None,
    since: float = 0.0,
    before: float = 1e12,
    limit: int,
) -> list[Message]:
    """Newest first. `recipient` matches as a whole, `part` anywhere."""
    values = {
        "recipient": recipient,
        "part": part,
        "channel": channel,
        "since": since,
        "before": before,
        "limit": limit,
    }
    return [Message(*row) for row in conn.execute(_LATEST, values)]


def count(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT count(*) FROM messages").fetchone()[0])


def set_state(
    conn: sqlite3.Connection, message_id: str, state: str, error_code: int | None
) -> None:
    conn.execute(
        "UPDATE messages SET state = ?, error_code = ? WHERE id = ?",
        (state, error_code, message_id),
    )


def clear(conn: sqlite3.Connection) -> int:
    conn.execute("DELETE FROM greylist")
    return conn.execute("DELETE FROM messages").rowcount


def seen_before(conn: sqlite3.Connection, sender: str, recipient: str) -> bool:
    """Remembers the pair, as a greylisting server does."""
    added = conn.execute(
        "INSERT OR IGNORE INTO greylist (sender, recipient) VALUES (?, ?)",
        (sender.lower(), recipient.lower()),
    )
    return added.rowcount == 0
