"""Instalment terms in the console: created as typed, or from others; they never change."""

import pytest

from incasso.instalments.v1 import instalments_pb2
from libs.errors import invalid
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.method_samples import terms
from tests.services.console.samples import TERMS_ID

PAGE = "/settings/terms"
NEW = f"{PAGE}/new"
TYPED = {
    "name": "Tre rate",
    "payments": "3",
    "every_n": "1",
    "every_unit": "month",
    "default_after": "60",
    "fees_borne_by": "merchant",
    "financed_by": "own",
}


def asked(console: Console) -> instalments_pb2.CreateInstalmentTermsRequest:
    found: instalments_pb2.CreateInstalmentTermsRequest = console.services.last(
        "CreateInstalmentTerms"
    ).request
    return found


async def test_terms_are_created_as_typed(console: Console):
    more = {
        "down_payment_basis_points": "20,50",
        "interest_basis_points": "9.9 %",
        "upfront_fee_minor": "2,50",
        "min_amount_minor": "150",
        "max_amount_minor": "1.200,00",
        "excluded_categories": "gift cards, shoes",
        "retry_after": "8, 3",
        "working_days_only": "yes",
        "grace_days": "5",
    }
    _, place, _ = await console.post(NEW, {**TYPED, **more})
    assert place == f"{PAGE}/{TERMS_ID}?notice=created"
    made = asked(console)
    assert (made.payments, made.every.n, made.every.unit) == (3, 1, made.every.UNIT_MONTH)
    assert (made.down_payment_basis_points, made.interest_basis_points) == (2050, 990)
    assert (made.upfront_fee_minor, made.min_amount_minor) == (250, 15_000)
    assert made.max_amount_minor == 120_000
    assert list(made.excluded_categories) == ["gift cards", "shoes"]
    assert list(made.dunning.retry_after) == [3, 8]
    assert (made.working_days_only, made.grace_days, made.currency) == (True, 5, "EUR")
    assert made.fees_borne_by == instalments_pb2.FEES_BORNE_BY_MERCHANT


async def test_an_empty_field_is_left_to_the_services_default(console: Console):
    await console.post(NEW, TYPED)
    made = asked(console)
    for name in ("down_payment_basis_points", "min_amount_minor", "max_amount_minor"):
        assert not made.HasField(name)
    assert not made.HasField("partner")


async def test_a_form_based_on_other_terms_is_prefilled_with_them(console: Console):
    """The form based on existing terms, submitted unchanged, requests the same terms."""
    page = await console.page(f"{NEW}?like={TERMS_ID}")
    for shown in ("20.50", "2.50", "150.00", "3, 8", "gift cards, shoes"):
        assert f'value="{shown}"' in page


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [
        ("interest_basis_points", "9.999", "Not a share"),
        ("upfront_fee_minor", "two", "Not an amount"),
        ("payments", "three", "Whole numbers only"),
        ("retry_after", "3, soon", "Whole numbers only"),
    ],
)
async def test_an_unreadable_field_is_explained_and_kept_in_the_form(
    console: Console, field: str, typed: str, expected: str
):
    status, _, page = await console.post(NEW, {**TYPED, field: typed})
    assert status == 400
    assert expected in page
    assert f'value="{typed}"' in page
    assert console.services.calls("CreateInstalmentTerms") == 0


async def test_a_field_refused_by_the_service_is_explained(console: Console):
    console.services.answers["CreateInstalmentTerms"] = invalid("categories.0", "is a duplicate")
    status, _, page = await console.post(NEW, {**TYPED, "categories": "shoes"})
    assert status == 400
    assert "is a duplicate" in page


async def test_terms_are_archived_and_the_default_ones_offer_no_archiving(console: Console):
    _, place, _ = await console.post(f"{PAGE}/{TERMS_ID}/archive", {})
    assert place == f"{PAGE}/{TERMS_ID}?notice=archived"
    assert '"name":"Tre rate"' in console.services.last("RecordIntent").request.before
    usual = instalments_pb2.GetInstalmentTermsResponse(terms=terms(id="trm_default"))
    console.services.answers["GetInstalmentTerms"] = usual
    assert "/archive" not in await console.page(f"{PAGE}/trm_default")


async def test_a_viewer_sees_no_link_to_create_terms(console: Console):
    console.act_as(Role.VIEWER)
    assert NEW not in await console.page(f"{PAGE}/{TERMS_ID}")
