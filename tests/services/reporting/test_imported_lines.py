"""Reading imports and their lines through the API."""

import pytest

from incasso.reporting.v1 import imports_pb2 as pb
from tests.services.reporting import files
from tests.services.reporting.files import bank_entry, bank_file, stripe_file, stripe_row
from tests.services.reporting.test_imports import OF_STRIPE, load
from tests.services.reporting.test_ledger import refusal
from tests.services.reporting.world import rows

NAMED = "<Refs><EndToEndId>E1</EndToEndId></Refs>"


async def bank_lines(world, **asked) -> list[int]:
    answer = await world.call("ListBankLines", **asked)
    return [line.amount_minor for line in answer.data]


async def settlement_lines(world, **asked) -> list[int]:
    answer = await world.call("ListSettlementLines", **asked)
    return [line.gross_minor for line in answer.data]


async def test_an_import_is_found_by_its_id_and_in_the_list(world):
    made = await load(world, bank_file([7, -5], [bank_entry(7), bank_entry(-5)]))
    found = getattr(await world.call("GetImport", import_id=made.id), "import")
    assert (found.state, found.source) == (pb.Import.STATE_IMPORTED, pb.Import.SOURCE_BANK)
    assert rows(found.totals, "currency", "credits_minor", "debits_minor") == [("EUR", 7, 5)]
    listed = await world.call("ListImports", state=pb.Import.STATE_IMPORTED)
    assert list(listed.data) == [found]
    assert not (await world.call("ListImports", state=pb.Import.STATE_REFUSED)).data


async def test_an_unknown_import_is_not_found(world):
    assert await refusal(world.call("GetImport", import_id="imp_nobodys")) == "import_not_found"


async def test_bank_lines_can_be_filtered(world):
    named = files.entry("3.00", day="2026-05-02", details=files.detail("3.00", extra=NAMED))
    entries = [bank_entry(100, reference="B1"), bank_entry(-200), named]
    made = await load(world, bank_file([100, -200, 300], entries))
    every = await bank_lines(world)
    assert every[0] == 300, "the last day first"
    assert sorted(every) == [-200, 100, 300]
    for asked, expected in (
        ({"amount_minor": -200}, [-200]),
        ({"bank_reference": " B1 "}, [100]),
        ({"end_to_end_reference": "E1"}, [300]),
        ({"booked_from": "2026-05-02", "booked_to": "2026-05-02"}, [300]),
        ({"booked_to": "2026-04-30", "amount_minor": 100}, [100]),
        ({"currency": "USD"}, []),
        ({"account": "IT60X0542811101000000123456", "amount_minor": 300}, [300]),
        ({"account": "another"}, []),
        ({"import_id": made.id, "limit": 1}, [300]),
    ):
        assert await bank_lines(world, **asked) == expected, asked


async def test_settlement_lines_can_be_filtered(world):
    refund = stripe_row(-50, kind="refund", order="A-2", payout="po_2")
    await load(world, stripe_file(stripe_row(100, 3, name="txn_x"), refund), OF_STRIPE)
    assert sorted(await settlement_lines(world, party="stripe-it")) == [-50, 100]
    for asked, expected in (
        ({"kind": pb.SettlementLine.KIND_REFUND}, [-50]),
        ({"provider_reference": "txn_x"}, [100]),
        ({"order_reference": "A-2"}, [-50]),
        ({"payout_reference": "po_1"}, [100]),
        ({"gross_minor": 100, "happened_from": "2026-04-07", "happened_to": "2026-04-07"}, [100]),
        ({"happened_from": "2026-04-08"}, []),
        ({"party": "another"}, []),
    ):
        assert await settlement_lines(world, **asked) == expected, asked


@pytest.mark.parametrize("rpc", ["ListBankLines", "ListSettlementLines", "ListImports"])
async def test_an_invalid_cursor_is_refused(world, rpc):
    assert await refusal(world.call(rpc, cursor="nonsense")) == "cursor_invalid"


async def test_pages_neither_skip_nor_repeat_equal_lines_of_a_day(world):
    await load(world, files.simple(*[1] * 5))
    found, cursor = [], ""
    while True:
        page = await world.call("ListBankLines", limit=2, **({"cursor": cursor} if cursor else {}))
        found += [line.id for line in page.data]
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(set(found)) == len(found) == 5
