"""Rows written by older versions are correct after a migration."""

import shutil
from pathlib import Path

from libs import schema
from tests.kit.connections import connected

MIGRATIONS = Path("services/paylink/migrations")
BEFORE = [path for path in sorted(MIGRATIONS.glob("*.sql")) if path.name < "0005"]
OLD = """
INSERT INTO bank_transfers (merchant_id, id, state, bank_reference, amount_minor, currency, link_id,
    surplus_minor, waits, booked_on, created_at)
VALUES ('mer_1', $1, $2, $3, 100, 'EUR', $4, $5, false, '2026-11-21', now())"""


async def test_old_transfers_get_a_normalised_booking_and_their_moves(new_database, tmp_path):
    for path in BEFORE:
        shutil.copy(path, tmp_path)
    url = new_database()
    await schema.migrate(url, "paylink", tmp_path)
    async with connected(url) as conn:
        for row in (
            ("trf_1", "matched", "b 1", "lnk_1", 0),
            ("trf_2", "unmatched", "B1", None, 0),  # the same booking, recorded twice
            ("trf_3", "surplus", "b-2", "lnk_1", 40),
            ("trf_4", "surplus", "b-3", "lnk_1", 100),
            ("trf_5", "partial", "b-4", "lnk_2", 0),
        ):
            await conn.execute(OLD, *row)
        await schema.migrate(url, "paylink", MIGRATIONS)
        rows = await conn.fetch("SELECT id, booking FROM bank_transfers ORDER BY id")
        assert [tuple(row) for row in rows] == [
            ("trf_1", "B1"),
            ("trf_2", None),
            ("trf_3", "B-2"),
            ("trf_4", "B-3"),
            ("trf_5", "B-4"),
        ]
        moves = await conn.fetch(
            "SELECT transfer_id, link_id, kind, amount_minor FROM bank_transfer_moves ORDER BY id"
        )
        assert [tuple(move) for move in moves] == [
            ("trf_1", "lnk_1", "matched", 100),
            ("trf_3", "lnk_1", "matched", 60),
            ("trf_5", "lnk_2", "matched", 100),
        ]
