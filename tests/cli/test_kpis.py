"""`incasso kpis`, against a double of reporting."""

from collections.abc import AsyncIterator

import pytest

from incasso.reporting.v1 import kpis_pb2 as pb
from incasso.reporting.v1 import kpis_pb2_grpc, surveys_pb2, surveys_pb2_grpc
from libs.server import Server
from libs.services import named as service_named
from libs.tasks import Tasks
from tests.cli.conftest import Command

OF = ("--merchant", "mer_1", "--from", "2026-11-01", "--to", "2026-11-30")
VALUE = pb.OrderValue(revenue_minor=59_90, orders=2, average_minor=29_95)
STEP = pb.ConversionStep(
    step="created",
    reached=3,
    reached_before=4,
    rate_basis_points=7_500,
    total_rate_basis_points=5_000,
)
SEGMENT = pb.LifetimeValue(
    segment_kind=1,
    segment="all",
    customers=2,
    orders=3,
    orders_per_year_hundredths=150,
    value_minor=77_00,
)


class Kpis(kpis_pb2_grpc.KpisServiceServicer):
    async def GetKpis(self, request, rpc):
        assert (request.from_day, request.to_day, request.currency) == (*OF[3::2], "EUR")
        return pb.GetKpisResponse(
            conversion=[pb.MethodConversion(method="link", steps=[STEP])],
            order_value=VALUE,
            order_values=[pb.MethodOrderValue(method="link", with_it=VALUE, without_it={})],
            carts=pb.CartRecovery(sent=1, sent_minor=88_00),
            one_click_acceptance=pb.OneClickAcceptance(asked=9, paid=8, rate_basis_points=8_889),
        )

    async def GetLifetimeValues(self, request, rpc):
        return pb.GetLifetimeValuesResponse(data=[SEGMENT], years=request.years, days=30)

    async def GetRetention(self, request, rpc):
        assert request.year == 2026
        return pb.GetRetentionResponse(customers=4, returning_customers=1, rate_basis_points=2_500)


class Surveys(surveys_pb2_grpc.SurveysServiceServicer):
    async def GetSatisfaction(self, request, rpc):
        nps = surveys_pb2.SurveyScore(answers=8, score_basis_points=-1_250)
        return surveys_pb2.GetSatisfactionResponse(csat={}, nps=nps, ces={})


@pytest.fixture
async def incasso() -> AsyncIterator[Command]:
    added = [
        (kpis_pb2_grpc.add_KpisServiceServicer_to_server, Kpis()),
        (surveys_pb2_grpc.add_SurveysServiceServicer_to_server, Surveys()),
    ]
    server = Server(added, service_named("reporting").full_names, Tasks())
    port = await server.start("127.0.0.1:0")
    yield Command({"INCASSO_REPORTING_TARGET": f"127.0.0.1:{port}"})
    await server.stop(1)


async def test_kpis_are_printed_as_decimal_amounts_and_percentages(incasso):
    done = await incasso("kpis", *OF, "--currency", "eur", "--years", "5")
    assert done.exit_code == 0, done.output
    for text in ("75.00 %", "29.95 EUR", "other than link", "88.00 EUR", "1.50", "77.00 EUR"):
        assert text in done.stdout
    for text in ("over 5 years", "25.00 %", "NPS", "-12.50 %", "88.89 %"):
        assert text in done.stdout


async def test_json_has_integers_and_omits_undefined_values(incasso):
    found = await incasso.json("kpis", *OF)
    assert found["conversion"][0]["steps"][0]["rate_basis_points"] == 7_500
    assert "average_minor" not in found["order_values"][0]["without_it"]
    assert "cost_minor" not in found["retention"]
    assert found["lifetime_values"]["years"] == 3
    assert found["satisfaction"]["csat"] == {"answers": 0, "options": []}


async def test_a_malformed_day_is_refused_with_an_example(incasso):
    done = await incasso("kpis", "--merchant", "mer_1", "--from", "november", "--to", "2026-11-30")
    assert (done.exit_code, "2026-11-01" in done.stderr) == (1, True)
