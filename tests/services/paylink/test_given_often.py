"""However often and by however many people a transfer is moved, each cent is counted once."""

import asyncio
import contextlib
import random

from incasso.paylink.v1 import paylink_pb2 as pb
from libs.errors import Refusal
from services.paylink.rules import transfers as rules
from tests.services.paylink.test_given import Move, give_back, settle
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, World


async def test_the_number_of_moves_per_transfer_is_limited(world: World):
    link = await world.link(100, reusable=True)
    much = await world.transfer(100 * (rules.MOST_MOVES + 2), link.creditor_reference)
    for _ in range(rules.MOST_MOVES - 1):
        await settle(world, much, link)
    assert await refused(settle(world, much, link)) == "bank_transfer_moved_too_often"
    assert (await give_back(world, much)).moves[-1].amount_minor == 200


async def test_concurrent_moves_of_one_transfer_spend_it_once(world: World):
    for _ in range(5):
        links = [await world.sent_link() for _ in range(4)]
        transfer = await world.transfer(12900, "")
        done = await asyncio.gather(
            *(settle(world, transfer, link) for link in links),
            give_back(world, transfer),
            return_exceptions=True,
        )
        reasons = {one.reason for one in done if isinstance(one, Refusal)}
        assert reasons <= {"bank_transfer_spent", "bank_transfer_changed"}
        assert len([one for one in done if not isinstance(one, BaseException)]) == 1
        paid = [link for link in links if (await world.get(link)).state == Link.STATE_PAID]
        one = pb.GetBankTransferRequest(bank_transfer_id=transfer.id)
        found = (await world.call("GetBankTransfer", one)).bank_transfer
        assert [(move.amount_minor, move.payment_link_id) for move in found.moves] == [
            (12900, paid[0].id if paid else "")
        ]


async def test_every_cent_is_counted_once_whatever_moves_are_made(world: World):
    """Transfers of any size, assigned to links of any size, moved between them and returned."""
    chance = random.Random(7)
    links = [await world.sent_link(chance.randint(1, 50)) for _ in range(6)]
    transfers = [
        await world.transfer(chance.randint(1, 60), chance.choice(links).creditor_reference)
        for _ in range(8)
    ]
    for _ in range(60):
        transfer, link = chance.choice(transfers), chance.choice(links)
        with contextlib.suppress(Refusal):
            if chance.random() < 0.2:
                await give_back(world, transfer)
            else:
                await settle(world, transfer, link)
    listed = pb.ListBankTransfersRequest(limit=100)
    with_links = 0
    for found in (await world.call("ListBankTransfers", listed)).data:
        signs = {Move.KIND_TAKEN_BACK: -1}
        spent = sum(signs.get(move.kind, 1) * move.amount_minor for move in found.moves)
        assert spent + found.open_minor == found.amount.amount_minor
        with_links += sum(
            signs.get(move.kind, 1) * move.amount_minor
            for move in found.moves
            if move.payment_link_id
        )
    paid = [(await world.get(link)) for link in links]
    assert sum(link.paid_minor for link in paid) == with_links
    assert all(
        (link.state == Link.STATE_PAID) == (not link.amount_due.amount_minor) for link in paid
    )
