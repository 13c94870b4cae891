"""What the holder of a link's address sees and can do."""

import asyncio
import base64
import io

import pytest
import zxingcpp
from PIL import Image

from incasso.paylink.v1 import pages_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from libs import client
from libs.errors import Refusal
from services.paylink.flows import page as page_flow
from tests.kit.doubles import IBAN
from tests.kit.payments_double import lose_answer, money, once
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, Try, World, token_of
from tests.waiting import HANGING_SECONDS, until

QUOTE = pb.Quote(title="Preventivo", text="Fornitura e posa.\n\nIVA inclusa.", version="1")


async def test_a_page_contains_what_it_shows_and_no_private_data(world: World):
    link = await world.sent_link(customer_id="cus_giulia", metadata={"cart": "c-77"})
    page = await world.page(link)
    assert page.merchant.name == "La Bottega"
    assert page.merchant.test
    assert page.merchant.seller.vat_number == "IT12345670017"
    assert [card.card.instrument_id for card in page.saved_cards] == ["ins_good"]
    assert page.card_field.psp_account == "sandbox-a"
    assert page.payment_link.amount_due == money(12900)
    assert page.transfer.iban == IBAN
    assert page.transfer.creditor_reference == link.creditor_reference
    assert page.form_key != (await world.page(link)).form_key
    shown = page.payment_link
    assert shown.description == "Ordine A-1001"
    assert not shown.HasField("url")
    assert not shown.recipient.HasField("email")
    assert not shown.metadata
    assert not shown.trace_id


async def test_the_transfer_code_follows_the_epc_format(world: World):
    page = await world.page(await world.link())
    assert page.transfer.epc_payload.split("\n") == [
        "BCD",
        "002",
        "1",
        "SCT",
        "",
        "Bottega S.r.l.",
        IBAN,
        "EUR129.00",
        "",
        page.transfer.creditor_reference,
    ]


async def test_viewing_the_page_changes_nothing(world: World):
    link = await world.sent_link()
    before = await world.rows("SELECT * FROM links WHERE id = $1", link.id)
    for _ in range(20):
        await world.page(link)
    assert await world.rows("SELECT * FROM links WHERE id = $1", link.id) == before
    assert await world.tries(link) == []


async def test_concurrent_mark_seen_calls_publish_one_event_and_keep_the_page_version(world: World):
    link = await world.sent_link()
    version = (await world.page(link)).version
    await asyncio.gather(*(world.visit("MarkSeen", token=token_of(link)) for _ in range(5)))
    assert (await world.get(link)).state == Link.STATE_SEEN
    assert (await world.subjects(link)).count("seen") == 1
    assert (await world.page(link)).version == version


@pytest.mark.parametrize("token", ["", "x" * 22, "€" * 22, "0" * 500, "a b"])
async def test_a_nonsense_token_is_refused(world: World, token: str):
    reason = await refused(world.visit("GetPayPage", token=token))
    assert reason == ("payment_link_not_found" if 0 < len(token) <= 255 else "invalid_argument")


async def test_altered_withdrawn_and_unknown_tokens_are_refused_alike(world: World):
    link = await world.sent_link()
    token = token_of(link)
    altered = token[:-1] + ("A" if token[-1] != "A" else "B")
    request = pb.ReissuePaymentLinkRequest(payment_link_id=link.id)
    await world.call("ReissuePaymentLink", request, key="k1")
    answers = set()
    for wrong in (token, altered, "0" * 22):
        for name in ("GetPayPage", "MarkSeen", "StopReminders", "RequestNewLink"):
            with pytest.raises(Refusal) as caught:
                await world.visit(name, token=wrong)
            answers.add((caught.value.reason, caught.value.message, caught.value.kind))
    assert len(answers) == 1


async def test_a_quote_is_accepted_before_paying_and_the_evidence_is_kept(world: World):
    link = await world.sent_link(quote=QUOTE)
    assert await refused(world.pay(link)) == "quote_not_accepted"
    sha = (await world.page(link)).payment_link.quote.text_sha256
    wrong = world.visit("AcceptQuote", token=token_of(link), text_sha256="0" * 64)
    assert await refused(wrong) == "quote_changed"
    for _ in range(2):
        await world.visit(
            "AcceptQuote",
            token=token_of(link),
            text_sha256=sha,
            ip="203.0.113.7",
            user_agent="Firefox",
        )
    accepted = await world.get(link)
    assert accepted.state == Link.STATE_QUOTE_ACCEPTED
    evidence = accepted.quote.acceptance
    assert (evidence.text_sha256, evidence.version) == (sha, "1")
    assert (evidence.ip, evidence.user_agent) == ("203.0.113.7", "Firefox")
    assert (await world.subjects(link)).count("quote_accepted") == 1
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_a_missing_or_expired_quote_cannot_be_accepted(world: World):
    bare = await world.link()
    asked = world.visit("AcceptQuote", token=token_of(bare), text_sha256="0" * 64)
    assert await refused(asked) == "quote_missing"
    link = await world.link(quote=QUOTE, expires_in_days=1)
    sha = link.quote.text_sha256
    await world.advance(days=1, seconds=1)
    late = world.visit("AcceptQuote", token=token_of(link), text_sha256=sha)
    assert await refused(late) == "payment_link_closed"
    own = world.link(quote=pb.Quote(title="t", text="x", version="1", text_sha256=sha))
    assert await refused(own) == "invalid_argument"


async def test_an_outage_of_oneclick_and_payments_costs_the_page_only_its_cards(world: World):
    link = await world.link(customer_id="cus_giulia")
    world.oneclick.down = True
    world.payments.before["GetCardField"] = lose_answer
    page = await world.page(link)
    assert not page.saved_cards
    assert not page.HasField("card_field")
    assert page.transfer.iban == IBAN


async def test_the_page_uses_the_cached_merchant_while_merchants_is_down(world: World):
    link = await world.link()
    asked = world.merchants.asked
    await world.page(link)
    assert world.merchants.asked == asked
    world.merchants.down = True
    world.deps.merchants.invalidate(world.merchant_id)
    assert (await world.page(link)).merchant.name == "La Bottega"
    asked = world.merchants.asked
    assert (await world.page(link)).merchant.name == "La Bottega"
    assert world.merchants.asked == asked, "nobody waits for the next time-out"


async def test_waiting_ends_when_the_page_changes(world: World, monkeypatch):
    link = await world.link()
    version = (await world.page(link)).version
    monkeypatch.setattr(page_flow, "happens", lambda event, _: event.wait())  # it never times out
    waiting = asyncio.create_task(
        world.visit("WaitForPayPage", token=token_of(link), version=version, timeout_ms=20_000)
    )
    await until(lambda: world.deps.link_listener._waiting)
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.pay(link)
    answer = await waiting
    assert answer.version > version
    assert answer.state == Link.STATE_PAYING


async def test_waiting_ends_at_its_timeout_and_at_once_for_an_old_version(world: World):
    link = await world.link()
    version = (await world.page(link)).version
    token = token_of(link)
    same = await world.visit("WaitForPayPage", token=token, version=version, timeout_ms=100)
    assert same.version == version
    old = await world.visit("WaitForPayPage", token=token, version=version - 1, timeout_ms=10_000)
    assert old.version == version
    assert world.deps.link_listener._waiting == {}


async def test_only_a_paid_link_can_be_rated_and_the_last_rating_counts(world: World):
    link = await world.link()
    token = token_of(link)
    early = world.visit("RateSatisfaction", token=token, score=5)
    assert await refused(early) == "payment_link_not_paid"
    await world.pay(link)
    for score in (2, 5):
        await world.visit("RateSatisfaction", token=token, score=score)
    assert (await world.tries(link))[0].satisfaction == 5
    assert (await world.subjects(link)).count("given") == 2


async def test_the_receipt_email_is_shown_only_to_its_payer(world: World):
    link = await world.link()
    payment = await world.pay(link, payer_email="giulia@example.com")
    own = await world.page(link, use=payment.use)
    assert own.payment.link_payment.payer_email == "giulia@example.com"
    forwarded = await world.page(link)
    assert forwarded.payment.link_payment.state == Try.STATE_SUCCEEDED
    assert not forwarded.payment.link_payment.HasField("payer_email")
    assert forwarded.payment.use == ""  # with it, the next page would show the address


async def test_a_use_of_another_link_shows_no_payment(world: World):
    first, second = await world.link(), await world.link()
    use = (await world.pay(first)).use
    assert not (await world.page(second, use=use)).HasField("payment")


async def test_the_qr_code_of_a_link_decodes_to_its_address(world: World):
    link = await world.link()
    request = pb.GetPaymentLinkQrCodeRequest(payment_link_id=link.id)
    code = await world.call("GetPaymentLinkQrCode", request)
    picture = Image.open(io.BytesIO(base64.b64decode(code.png_data_url.partition(",")[2])))
    (read,) = zxingcpp.read_barcodes(picture)
    assert read.text == code.url == link.url
    assert code.svg.startswith("<svg")
    assert "script" not in code.svg


async def test_the_calling_merchant_does_not_decide_whose_page_is_shown(world: World):
    link = await world.link()
    world.merchant_id = "mer_of_somebody_else"
    world.act()
    request = pages_pb2.GetPayPageRequest(token=token_of(link))
    answer = await client.call(world.pages.GetPayPage, request, timeout_seconds=HANGING_SECONDS)
    assert answer.page.merchant.id != world.merchant_id
