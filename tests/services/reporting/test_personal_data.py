"""Payers' names and texts are cleared when they are old; amounts, days and references stay. So do rows of other partitions."""

from libs import retention
from services.reporting.retention import KEPT
from tests.services.reporting import files
from tests.services.reporting.files import bank_file
from tests.services.reporting.reconciling import load
from tests.services.reporting.world import rows

PAYER = "<RltdPties><Dbtr><Nm>MARIO ROSSI</Nm></Dbtr></RltdPties>"


def entry(day: str) -> str:
    details = files.detail("10.00", text="saldo", extra=PAYER)
    return files.entry("10.00", "CRDT", day=day, reference="B1", details=details)


async def test_old_payers_are_cleared_and_amounts_are_kept(world):
    days = (
        "2026-03-31",
        "2026-04-01",
    )  # the first rows of two partitions, at the same place in each
    await load(world, bank_file([1000, 1000], map(entry, days)))
    async with world.deps.db.transaction() as tx:
        await tx.execute(
            "UPDATE bank_lines SET created_at = now() - interval '800 days'"
            " WHERE merchant_id = $1 AND booked_on = '2026-03-31'",
            world.merchant_id,
        )
    rules = [rule for rule in KEPT.rules if rule.table == "bank_lines"]
    assert await retention.keep_to(world.deps.db, rules) == 1
    assert await retention.keep_to(world.deps.db, rules) == 0
    found = (await world.call("ListBankLines")).data
    what = ("booked_on", "amount_minor", "bank_reference", "counterparty_name", "text")
    assert sorted(rows(found, *what)) == [
        (days[0], 1000, "B1", "", ""),
        (days[1], 1000, "B1", "MARIO ROSSI", "saldo"),
    ]
