"""The columns of a list that is exported."""

from datetime import UTC, date, datetime

import pytest

from incasso.cod.v1 import orders_pb2
from incasso.common.v1 import money_pb2
from incasso.payments.v1 import payments_pb2
from incasso.reporting.v1 import imports_pb2, ledger_pb2
from libs.tables.model import Kind, major
from services.gateway.rules import columns


def row(message, currency=""):
    found = columns.of_elements(message.DESCRIPTOR, currency)
    return {source.column.name: source.value(message) for source in found}


def kinds(descriptor, currency=""):
    found = columns.of_elements(descriptor, currency)
    return {source.column.name: source.column for source in found}


def test_a_payment_is_a_row_of_amounts_times_and_texts():
    payment = payments_pb2.Payment(
        id="pay_1",
        state=payments_pb2.Payment.STATE_CAPTURED,
        amount=money_pb2.Money(amount_minor=5990, currency="EUR"),
        captured_minor=5990,
        metadata={"cart": "c.77"},
    )
    payment.created_at.FromJsonString("2026-11-21T10:00:00.250Z")
    found = row(payment)
    assert (found["id"], found["state"]) == ("pay_1", "captured")
    assert str(major(found["amount"])) == str(major(found["captured"])) == "59.90"
    assert found["created_at"] == datetime(2026, 11, 21, 10, 0, 0, 250_000, UTC)
    assert found["metadata"] == '{"cart":"c.77"}'
    assert found["refunds"] is None
    assert found["decline_code"] is None
    assert found["customer_id"] is None


def test_a_currency_belongs_to_its_amount_or_has_its_own_column():
    payment = kinds(payments_pb2.Payment.DESCRIPTOR)
    assert payment["amount"].currency_name == "amount_currency"
    assert payment["captured"].kind is Kind.MONEY
    assert payment["captured"].currency_name is None
    line = kinds(imports_pb2.BankLine.DESCRIPTOR)
    assert line["amount"].currency_name is None
    assert line["currency"].kind is Kind.TEXT


def test_a_list_in_one_currency_gets_a_currency_column():
    entry = ledger_pb2.StatementLine(amount_minor=-150)
    assert kinds(entry.DESCRIPTOR)["amount_minor"].kind is Kind.INTEGER
    found = row(entry, "JPY")
    assert (str(major(found["amount"])), found["currency"]) == ("-150", "JPY")


def test_a_line_in_a_currency_replaced_by_the_euro_keeps_its_amount():
    found = row(imports_pb2.BankLine(amount_minor=1234, currency="HRK"))
    assert (str(major(found["amount"])), found["currency"]) == ("12.34", "HRK")


def test_a_date_field_becomes_a_date_or_an_empty_cell():
    found = row(imports_pb2.BankLine(booked_on="2026-11-26", currency="EUR"))
    assert found["booked_on"] == date(2026, 11, 26)
    assert found["value_on"] is None


def test_without_a_currency_a_zero_amount_is_empty_and_any_other_raises():
    assert row(imports_pb2.BankLine())["amount"] is None
    with pytest.raises(ValueError, match="currency"):
        row(imports_pb2.BankLine(amount_minor=1))


def test_columns_of_a_nested_message_are_prefixed_with_its_name():
    order = orders_pb2.CodOrder(recipient=orders_pb2.CodRecipient(name="Giulia"))
    assert row(order)["recipient_name"] == "Giulia"
    assert row(order)["recipient_email"] in (None, "")
    assert row(orders_pb2.CodOrder())["recipient_name"] is None
