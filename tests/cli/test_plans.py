"""`incasso plan`, against a double of instalments."""

import pytest

from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import instalments_pb2 as pb
from incasso.instalments.v1 import instalments_pb2_grpc, plans_pb2, plans_pb2_grpc
from libs.errors import Kind
from libs.server import Server
from libs.services import named as service_named
from libs.tasks import Tasks
from tests.cli.conftest import AT, Command, named

OF = ("--merchant", "mer_1")
EUR = {"amount_minor": 160_00, "currency": "EUR"}
OFFER = offer_pb2.InstalmentOffer(
    terms_id="trm_1",
    label="3 × €53.34",
    taeg="0.00",
    legal_class=offer_pb2.InstalmentOffer.LEGAL_CLASS_DEFERRAL,
    regime="it-2026",
    article="art. 2",
    schedule=[{"number": 1, "due_on": "2026-11-26", "principal_minor": 5333, "amount_minor": 5333}],
)
PLAN = plans_pb2.InstalmentPlan(
    id="pln_1",
    state=plans_pb2.InstalmentPlan.STATE_ACTIVE,
    customer_id="cus_1",
    order_reference="A-1001",
    amount=EUR,
    offer=OFFER,
    instalments=[
        {
            "number": 1,
            "state": plans_pb2.Instalment.STATE_PAID,
            "due_on": "2026-11-26",
            "principal_minor": 5333,
            "amount_minor": 5333,
            "payment_id": "pay_1",
        }
    ],
    paid_minor=53_33,
    outstanding_minor=106_67,
    created_at=AT,
)


class Offers(instalments_pb2_grpc.InstalmentOffersServiceServicer):
    async def ListInstalmentTerms(self, request, rpc):
        terms = pb.InstalmentTerms(
            id="trm_1",
            state=pb.InstalmentTerms.STATE_ACTIVE,
            name="Three",
            payments=3,
            every={"unit": pb.Frequency.UNIT_DAY, "n": 15},
            currency="EUR",
            min_amount_minor=150_00,
            max_amount_minor=2_000_00,
            interest_basis_points=999,
            created_at=AT,
        )
        return pb.ListInstalmentTermsResponse(data=[terms])

    async def GetInstalmentQuote(self, request, rpc):
        if request.quote_id != "iqt_1":
            raise named("quote_not_found", Kind.NOT_FOUND, "There is no such quote.")
        quote = pb.InstalmentQuote(id="iqt_1", order_reference="A-1001", amount=EUR, offer=OFFER)
        return pb.GetInstalmentQuoteResponse(quote=quote)


class Plans(plans_pb2_grpc.InstalmentPlansServiceServicer):
    async def ListInstalmentPlans(self, request, rpc):
        return plans_pb2.ListInstalmentPlansResponse(data=[PLAN])

    async def GetInstalmentPlan(self, request, rpc):
        if request.plan_id != "pln_1":
            raise named("plan_not_found", Kind.NOT_FOUND, "There is no such plan.")
        return plans_pb2.GetInstalmentPlanResponse(plan=PLAN)


@pytest.fixture
async def incasso():
    added = [
        (instalments_pb2_grpc.add_InstalmentOffersServiceServicer_to_server, Offers()),
        (plans_pb2_grpc.add_InstalmentPlansServiceServicer_to_server, Plans()),
    ]
    server = Server(added, service_named("instalments").full_names, Tasks())
    port = await server.start("127.0.0.1:0")
    yield Command({"INCASSO_INSTALMENTS_TARGET": f"127.0.0.1:{port}"})
    await server.stop(1)


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("terms",), ("trm_1", "15 day", "150.00 EUR", "2000.00 EUR", "9.99 %")),
        (("quote", "iqt_1"), ("160.00 EUR", "3 × €53.34", "0.00", "it-2026", "2026-11-26")),
        (("list",), ("pln_1", "active", "53.33 EUR", "106.67 EUR", "A-1001")),
        (("show", "pln_1"), ("deferral", "paid", "pay_1", "53.33 EUR", "3 × €53.34")),
    ],
)
async def test_terms_quotes_and_plans_are_printed_in_human_readable_form(
    incasso: Command, arguments, texts
):
    done = await incasso("plan", *arguments, *OF)
    assert done.exit_code == 0, done.output
    for text in texts:
        assert text in done.stdout


async def test_json_output_has_the_fields_of_the_api(incasso: Command):
    found = await incasso.json("plan", "show", "pln_1", *OF)
    assert (found["state"], found["paid_minor"]) == ("active", 53_33)
    assert found["instalments"][0]["state"] == "paid"
    assert [plan["id"] for plan in await incasso.json("plan", "list", *OF)] == ["pln_1"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(("show", "pln_2"), "plan_not_found"), (("quote", "iqt_2"), "quote_not_found")],
)
async def test_an_unknown_plan_or_quote_suggests_a_next_step(incasso: Command, arguments, reason):
    done = await incasso("plan", *arguments, *OF)
    assert done.exit_code == 1
    assert reason in done.stderr
    assert "--merchant" in done.stderr
