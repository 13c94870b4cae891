"""Where each PSP account sends its webhooks."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    account: str
    webhook_url: str
    webhook_secret: str


def everything(conn: sqlite3.Connection) -> dict[str, Account]:
    rows = conn.execute("SELECT account, webhook_url, webhook_secret FROM accounts")
    return {row[0]: Account(*row) for row in rows}


def save(conn: sqlite3.Connection, account: Account) -> None:
    conn.execute(
        "INSERT INTO accounts (account, webhook_url, webhook_secret) VALUES (?, ?, ?) "
        "ON CONFLICT (account) DO UPDATE SET webhook_url = excluded.webhook_url, "
        "webhook_secret = excluded.webhook_secret",
        (account.account, account.webhook_url, account.webhook_secret),
    )


def delete(conn: sqlite3.Connection, account: str) -> None:
    conn.execute("DELETE FROM accounts WHERE account = ?", (account,))
