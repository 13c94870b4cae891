"""The SQLite file of the sandbox: schema, pragmas, transactions. Statements live in books/.

WAL with synchronous=NORMAL: commits survive a SIGKILL of the process.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
  account TEXT PRIMARY KEY,
  webhook_url TEXT NOT NULL,
  webhook_secret TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS clocks (
  name TEXT PRIMARY KEY,
  ahead_seconds INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS charges (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  reference TEXT,
  description TEXT,
  token TEXT NOT NULL,
  brand TEXT NOT NULL,
  last4 TEXT NOT NULL,
  country TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  auto_capture INTEGER NOT NULL,
  state TEXT NOT NULL,
  captured_minor INTEGER NOT NULL,
  refunded_minor INTEGER NOT NULL,
  disputed_minor INTEGER NOT NULL,
  decline_code TEXT,
  return_url TEXT,
  challenge TEXT,
  due_at REAL,
  created_at REAL NOT NULL,
  CONSTRAINT never_captured_beyond_amount CHECK (captured_minor <= amount_minor),
  CONSTRAINT never_given_back_twice CHECK (refunded_minor + disputed_minor <= captured_minor)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS charges_by_reference ON charges (reference)
  WHERE reference IS NOT NULL;
CREATE INDEX IF NOT EXISTS charges_by_due_at ON charges (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS charges_by_challenge ON charges (challenge)
  WHERE challenge IS NOT NULL;

CREATE TABLE IF NOT EXISTS operations (
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  body_hash BLOB NOT NULL,
  id TEXT NOT NULL,
  subject TEXT NOT NULL,
  amount_minor INTEGER,
  state TEXT NOT NULL,
  code TEXT,
  status INTEGER NOT NULL,
  answer TEXT NOT NULL,
  created_at REAL NOT NULL,
  PRIMARY KEY (account, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS instruments (
  token TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  customer_reference TEXT,
  magic TEXT NOT NULL,
  brand TEXT NOT NULL,
  last4 TEXT NOT NULL,
  country TEXT NOT NULL,
  exp_month INTEGER NOT NULL,
  exp_year INTEGER NOT NULL,
  state TEXT NOT NULL,
  challenge TEXT,
  return_url TEXT,
  created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS instruments_by_challenge ON instruments (challenge)
  WHERE challenge IS NOT NULL;

CREATE TABLE IF NOT EXISTS disputes (
  id TEXT PRIMARY KEY,
  charge_id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  state TEXT NOT NULL,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS disputes_by_charge ON disputes (charge_id);

CREATE TABLE IF NOT EXISTS settlement_lines (
  line INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  charge_id TEXT NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  gross_minor INTEGER NOT NULL,
  fee_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  created_at REAL NOT NULL,
  payout_id TEXT,
  available_on TEXT
);
CREATE INDEX IF NOT EXISTS settlement_lines_unpaid ON settlement_lines (account, created_at)
  WHERE payout_id IS NULL;
CREATE INDEX IF NOT EXISTS settlement_lines_paid ON settlement_lines (account, line)
  WHERE payout_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  account TEXT NOT NULL,
  body TEXT NOT NULL,
  copies INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS messages (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL COLLATE NOCASE,
  subject TEXT NOT NULL,
  state TEXT NOT NULL,
  error_code INTEGER,
  account_sid TEXT,
  message_id TEXT,
  received_at REAL NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_recipient ON messages (recipient, sequence);

CREATE TABLE IF NOT EXISTS greylist (
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  PRIMARY KEY (sender, recipient)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS notices (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  message TEXT NOT NULL,
  state TEXT NOT NULL,
  url TEXT,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS transfers (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  iban TEXT NOT NULL,
  bic TEXT,
  name TEXT NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
  currency TEXT NOT NULL,
  reference TEXT,
  text TEXT,
  purpose TEXT,
  debtor_name TEXT NOT NULL,
  booked_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS transfers_by_account ON transfers (iban, sequence);

CREATE TABLE IF NOT EXISTS parcels (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  courier TEXT NOT NULL,
  reference TEXT NOT NULL,
  amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  mode TEXT NOT NULL,
  state TEXT NOT NULL,
  collected_minor INTEGER NOT NULL,
  remitted_minor INTEGER NOT NULL,
  remittance INTEGER NOT NULL,
  moved_at REAL NOT NULL,
  CONSTRAINT one_parcel_for_a_reference UNIQUE (courier, reference)
);
CREATE INDEX IF NOT EXISTS parcels_unpaid ON parcels (courier, state, sequence)
  WHERE remittance = 0;

CREATE TABLE IF NOT EXISTS movements (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  courier TEXT NOT NULL,
  tracking_number TEXT NOT NULL,
  reference TEXT NOT NULL,
  state TEXT NOT NULL,
  collected_minor INTEGER NOT NULL,
  mode TEXT NOT NULL,
  moved_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS movements_by_courier ON movements (courier, sequence);

CREATE TABLE IF NOT EXISTS remittances (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  courier TEXT NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  body BLOB NOT NULL
);
"""

# Columns missing in files of older versions.
ADDED = (("disputes", "updated_at", "REAL NOT NULL DEFAULT 0"),)


def connect(data_dir: Path) -> sqlite3.Connection:
    data_dir.mkdir(parents=True, exist_ok=True)
    conn = sqlite3.connect(
        data_dir / "sandbox.sqlite3", isolation_level=None, cached_statements=256
    )
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = NORMAL")
    conn.execute("PRAGMA cache_size = -16000")
    conn.executescript(SCHEMA)
    for table, column, kind in ADDED:
        if column not in {row[1] for row in conn.execute(f"PRAGMA table_info({table})")}:
            conn.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    return conn


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[None]:
    """Must not contain an await: the single connection serves every request."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        conn.execute("ROLLBACK")
        raise
    conn.execute("COMMIT")
