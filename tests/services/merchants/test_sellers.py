"""The legal data of a seller: checked, stored as a whole, published to other services."""

from typing import Any

import pytest
from stdnum.it import iva

from incasso.common.v1 import merchant_pb2
from libs.db import CheckViolation
from libs.errors import InvalidArgument
from libs.sellers import Seller, line
from services.merchants.rules.sellers import seller_of, vat_number_of
from tests.services.merchants.conftest import Merchants, violations
from tests.services.merchants.test_appearance import updates

NUMBER = "12345670017"
STATED = {"legal_name": "Bottega S.r.l.", "vat_number": NUMBER, "address": "Via Roma 1, Milano"}


async def state(service: Merchants, merchant_id: str, **seller: str) -> Any:
    sent = merchant_pb2.Seller(**seller)
    answer = await service.call("UpdateMerchant", merchant_id=merchant_id, seller=sent)
    return answer.merchant


async def test_a_seller_is_stored_normalised_and_reported(service: Merchants):
    merchant = (await service.create()).merchant
    assert not merchant.HasField("seller")
    stated = await state(service, merchant.id, **STATED)
    assert stated.seller == merchant_pb2.Seller(**{**STATED, "vat_number": f"IT{NUMBER}"})
    assert await updates(service) == [stated]
    renamed = await service.call("UpdateMerchant", merchant_id=merchant.id, name="Altra")
    assert renamed.merchant.seller == stated.seller


async def test_a_seller_is_replaced_as_a_whole_and_an_empty_one_removes_it(service: Merchants):
    merchant_id = (await service.create()).merchant.id
    await state(service, merchant_id, **STATED)
    named = await state(service, merchant_id, legal_name="Bottega Nova S.r.l.")
    assert named.seller == merchant_pb2.Seller(legal_name="Bottega Nova S.r.l.")
    assert not (await state(service, merchant_id)).HasField("seller")
    assert len(await updates(service)) == 3


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"legal_name": ""}, "seller.legal_name"),
        ({"legal_name": "x" * 151}, "seller.legal_name"),
        ({"vat_number": "IT12345670018"}, "seller.vat_number"),
        ({"vat_number": "1" * 31}, "seller.vat_number"),
        ({"address": "x" * 201}, "seller.address"),
    ],
)
async def test_an_invalid_seller_is_refused_naming_the_field(service: Merchants, changed, field):
    merchant_id = (await service.create()).merchant.id
    assert list(await violations(state(service, merchant_id, **STATED | changed))) == [field]


async def test_the_database_refuses_a_seller_address_without_a_name(service: Merchants):
    merchant_id = (await service.create()).merchant.id
    async with service.deps.db.connection() as conn:
        with pytest.raises(CheckViolation):
            await conn.execute(
                "UPDATE merchants SET seller_address = 'x' WHERE id = $1", merchant_id
            )


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        (NUMBER, "IT", f"IT{NUMBER}"),
        (f" it {NUMBER} ", "IT", f"IT{NUMBER}"),
        ("IT 123.456.700-17", "DE", f"IT{NUMBER}"),
        ("136695976", "DE", "DE136695976"),
        ("U13585627", "AT", "ATU13585627"),
        ("B58378431", "ES", "ESB58378431"),
        ("BE 697449992", "IT", "BE0697449992"),
        ("094259216", "GR", "EL094259216"),
        ("GR094259216", "IT", "EL094259216"),
        ("CHE-123.456.788 MWST", "IT", "CHE123456788MWST"),
        ("12345", "SM", "SM12345"),
    ],
)
def test_a_vat_number_gets_its_countrys_prefix(typed: str, country: str, number: str):
    assert vat_number_of(typed, country) == number
    assert vat_number_of(number, "FR") == number


@pytest.mark.parametrize(
    "wrong", ["12345670018", "1234567001", "IT", "DE12345670017", "CH", "CH€1234"]
)
def test_an_invalid_vat_number_is_refused(wrong: str):
    with pytest.raises(InvalidArgument):
        vat_number_of(wrong, "IT")


def test_a_partita_iva_with_one_wrong_digit_is_refused():
    assert iva.is_valid(NUMBER)
    for place, digit in enumerate(NUMBER):
        for other in set("0123456789") - {digit}:
            mistyped = NUMBER[:place] + other + NUMBER[place + 1 :]
            with pytest.raises(InvalidArgument):
                seller_of(Seller("Bottega", mistyped), "IT")


def test_the_sellers_known_data_is_shown_on_one_line():
    whole = Seller("Bottega S.r.l.", "IT12345670017", "Via Roma 1")
    assert line(whole, "P. IVA") == "Bottega S.r.l. · Via Roma 1 · P. IVA IT12345670017"
    assert line(Seller("Anna Bianchi"), "P. IVA") == "Anna Bianchi"
    assert line(Seller(), "P. IVA") == ""
