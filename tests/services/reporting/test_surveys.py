"""Surveys after payment are offered, answered and counted through gRPC."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from incasso.paylink.v1 import events_pb2 as paylink
from incasso.paylink.v1 import paylink_pb2
from incasso.reporting.v1 import surveys_pb2 as pb
from incasso.reporting.v1 import surveys_pb2_grpc
from libs import client, clock, context, ids, services
from libs.clock import Clock
from libs.merchants import Merchants
from libs.server import Server
from libs.tasks import Tasks
from services.reporting.deps import SurveyDeps
from services.reporting.rules.surveys import ShownMerchant
from services.reporting.service import SurveyPages, Surveys
from tests.kit import doubles
from tests.services.reporting.kpi_events import day
from tests.services.reporting.test_ledger import refusal
from tests.waiting import HANGING_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="session")
AHEAD = int((day("2026-11-21") - clock.world_now()).total_seconds())  # once, as time passes
NOVEMBER = {"from_day": "2026-11-01", "to_day": "2026-11-30"}


@dataclass
class Asking:
    """Calls RPCs by name: as the merchant, or (with a token) as a shopper."""

    stubs: tuple[Any, Any]
    merchant_id: str

    async def call(self, rpc: str, **fields: Any) -> Any:
        made = context.Call(self.merchant_id, "key_finance", clock_offset_seconds=AHEAD)
        context.set_current(context.Call() if "token" in fields else made)
        (stub,) = (stub for stub in self.stubs if hasattr(stub, rpc))
        request = getattr(pb, f"{rpc}Request")(**fields)
        return await client.call(getattr(stub, rpc), request, timeout_seconds=HANGING_SECONDS)

    async def token(self, paid_id: str = "pay_1") -> str:
        return (await self.call("OfferSurvey", paid_id=paid_id, locale="it")).token

    async def scores(self, **days: str) -> list[tuple]:
        found = await self.call("GetSatisfaction", **{**NOVEMBER, **days})
        return [
            (
                score.answers,
                score.score_basis_points if score.HasField("score_basis_points") else None,
            )
            for score in (found.csat, found.nps, found.ces)
        ]


@pytest_asyncio.fixture(loop_scope="session")
async def asking(world) -> AsyncIterator[Asking]:
    outside, target = await doubles.serve(
        doubles.Merchants(), doubles.OneClick(), doubles.Payments()
    )
    channel = client.channel(target)
    deps = SurveyDeps(world.deps.db, Clock(), Merchants(ShownMerchant, channel), world.zone_of)
    added = [
        (surveys_pb2_grpc.add_SurveysServiceServicer_to_server, Surveys(deps)),
        (surveys_pb2_grpc.add_SurveyPagesServiceServicer_to_server, SurveyPages(deps)),
    ]
    server = Server(added, services.named("reporting").full_names, Tasks())
    own = client.channel(f"ipv4:127.0.0.1:{await server.start('127.0.0.1:0')}")
    stubs = (surveys_pb2_grpc.SurveysServiceStub(own), surveys_pb2_grpc.SurveyPagesServiceStub(own))
    made = Asking(stubs, world.merchant_id)
    async with world.deps.db.connection() as conn:
        await clock.follow(conn, world.merchant_id, AHEAD)
    await made.call("PutSurveySettings", enabled=True)
    yield made
    await own.close()
    await channel.close()
    await server.stop(1)
    await outside.stop(1)


async def test_surveys_are_offered_only_while_the_merchant_enables_them(asking):
    other = replace(asking, merchant_id=ids.new("mer"))
    assert not (await other.call("GetSurveyOffer")).offered
    assert await refusal(other.token()) == "surveys_off"
    assert not (await other.call("GetSurveySettings")).settings.HasField("updated_at")
    assert (await asking.call("GetSurveyOffer")).offered
    token = await asking.token()
    await asking.call("PutSurveySettings", enabled=False)
    assert await refusal(asking.token("pay_2")) == "surveys_off"
    await asking.call("AnswerSurvey", token=token, ease=5)
    assert await asking.scores() == [(0, None), (0, None), (1, 10_000)]


async def test_scores_follow_the_formulas_of_csat_nps_and_ces(asking):
    """Four shoppers answer: satisfaction 5 5 3 1, recommendation 5 1 1 2, and ease 5 5 4 by three of them."""
    given = [(5, 5, 5), (5, 1, 5), (3, 1, 4), (1, 2, None)]
    for number, (satisfaction, recommendation, ease) in enumerate(given):
        token = await asking.token(f"pay_{number}")
        answers = {"satisfaction": satisfaction, "recommendation": recommendation, "ease": ease}
        await asking.call(
            "AnswerSurvey", token=token, **{name: one for name, one in answers.items() if one}
        )
    assert await asking.scores() == [(4, 5_000), (4, -2_500), (3, 6_667)]
    options = (await asking.call("GetSatisfaction", **NOVEMBER)).csat.options
    assert [(option.answer, option.count) for option in options] == [(1, 1), (3, 1), (5, 2)]
    assert await asking.scores(from_day="2026-11-22") == [(0, None)] * 3
    stranger = replace(asking, merchant_id=ids.new("mer"))
    assert await stranger.scores() == [(0, None)] * 3


async def test_a_payment_has_one_survey_whose_last_answers_count(asking):
    first, second = await asking.token(), await asking.token()
    assert first != second
    for token, answer in ((first, 1), (first, 1), (second, 4)):
        await asking.call("AnswerSurvey", token=token, satisfaction=answer, ease=answer)
    await asking.call("AnswerSurvey", token=first, ease=5)
    page = (await asking.call("GetSurveyPage", token=second)).page
    assert (page.satisfaction, page.ease, page.HasField("recommendation")) == (4, 5, False)
    assert (page.locale, bool(page.merchant.name)) == ("it", True)
    assert [answers for answers, _ in await asking.scores()] == [1, 0, 1]


async def test_only_a_surveys_last_ten_tokens_work_and_none_after_it_expires(world, asking):
    tokens = [await asking.token() for _ in range(11)]
    for token in (tokens[0], "x" * 22, tokens[1][:-1], "\u20ac"):
        assert await refusal(asking.call("GetSurveyPage", token=token)) == "survey_not_found"
    await asking.call("GetSurveyPage", token=tokens[1])
    async with world.deps.db.connection() as conn:
        await conn.execute(
            "UPDATE surveys SET expires_at = created_at WHERE merchant_id = $1", asking.merchant_id
        )
    for rpc, answers in (("GetSurveyPage", {}), ("AnswerSurvey", {"ease": 5})):
        work = asking.call(rpc, token=tokens[-1], **answers)
        assert await refusal(work) == "survey_not_found"


@pytest.mark.parametrize("answers", [{}, {"ease": 0}, {"ease": 6}, {"satisfaction": -1}])
async def test_an_empty_or_out_of_range_answer_is_refused(asking, answers):
    token = await asking.token()
    assert await refusal(asking.call("AnswerSurvey", token=token, **answers)) == "invalid_argument"
    assert await asking.scores() == [(0, None)] * 3


async def test_a_receipts_rating_and_the_survey_of_its_payment_count_once(world, asking):
    tried = paylink_pb2.LinkPayment(id="lpy_1", payment_id="pay_1", satisfaction=2)
    earlier = world.event(paylink.SatisfactionGiven(link_payment=tried), at=day("2026-11-20"))
    await asking.call("AnswerSurvey", token=await asking.token("pay_1"), satisfaction=5)
    by_transfer = paylink_pb2.LinkPayment(id="lpy_2", satisfaction=5)
    later = world.event(paylink.SatisfactionGiven(link_payment=by_transfer), at=day("2026-11-22"))
    for events in ((later, earlier), (earlier,)):
        await world.book(*events)
    assert (await asking.scores())[0] == (2, 10_000)
