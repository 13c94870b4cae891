"""What cod answers in the console's tests: a cash-on-delivery order, a remittance with lines to check."""

from typing import Any

from incasso.cod.v1 import cod_pb2, orders_pb2, refunds_pb2, remittances_pb2
from tests.services.console.samples import TRACE, money, stamp

ORDER_ID = "cod_06f2kz0d1x8q5v7m3n4b6c9a2e"
REMITTANCE_ID = "rem_06f2kz0d1x8q5v7m3n4b6c9a2e"
LINE_ID = "rml_06f2kz0d1x8q5v7m3n4b6c9a2e"
REFUND_ID = "crf_06f2kz0d1x8q5v7m3n4b6c9a2e"
EXPORT_ID = "cre_06f2kz0d1x8q5v7m3n4b6c9a2e"
EVENT_ID = "cev_06f2kz0d1x8q5v7m3n4b6c9a2e"
COURIER_ID = "cou_06f2kz0d1x8q5v7m3n4b6c9a2e"
ORDER = orders_pb2.CodOrder
RESULT = remittances_pb2


def order(**more: Any) -> orders_pb2.CodOrder:
    parcel = orders_pb2.CodParcel(
        tracking_number="GL1", state=orders_pb2.CodParcel.STATE_COLLECTED, to_collect_minor=13400
    )
    values = {
        "id": ORDER_ID,
        "state": ORDER.STATE_COLLECTED,
        "order_reference": "A-3003",
        "amount": money(12900),
        "fee_minor": 500,
        "total_minor": 13400,
        "to_collect_minor": 13400,
        "collected_minor": 13400,
        "courier_id": COURIER_ID,
        "recipient": orders_pb2.CodRecipient(name="Giulia Bianchi"),
        "address": orders_pb2.CodAddress(street="Via Roma 1", town="Torino", country="IT"),
        "parcels": [parcel],
        "trace_id": TRACE,
        "created_at": stamp(),
        "collected_at": stamp(),
    }
    return ORDER(**(values | more))


def remittance(**more: Any) -> remittances_pb2.CodRemittance:
    values = {
        "id": REMITTANCE_ID,
        "state": remittances_pb2.CodRemittance.STATE_COMMITTED,
        "courier_id": COURIER_ID,
        "name": "rimesse.csv",
        "currency": "EUR",
        "lines": 120,
        "remitted_minor": 1_540_000,
        "results": {"matched": 118, "suggested": 1, "short": 1},
        "exceptions": 1,
        "created_at": stamp(),
    }
    return remittances_pb2.CodRemittance(**(values | more))


def refund(**more: Any) -> refunds_pb2.CodRefund:
    account = refunds_pb2.MaskedAccount(holder="G••• B•••", iban="IT60 •••• 3456")
    values = {
        "id": REFUND_ID,
        "state": refunds_pb2.CodRefund.STATE_READY,
        "cod_order_id": ORDER_ID,
        "order_reference": "A-3003",
        "amount": money(2500),
        "account": account,
        "created_at": stamp(),
    }
    return refunds_pb2.CodRefund(**(values | more))


def event() -> orders_pb2.CourierEvent:
    return orders_pb2.CourierEvent(
        id=EVENT_ID,
        tracking_number="GL1",
        kind=orders_pb2.COURIER_EVENT_KIND_COLLECTED,
        outcome=orders_pb2.CourierEvent.OUTCOME_CONTRADICTS,
        exception="amount_differs",
        is_exception=True,
        amount_minor=13000,
        occurred_at=stamp(),
    )


def lines() -> list[remittances_pb2.CodRemittanceLine]:
    line = remittances_pb2.CodRemittanceLine
    return [
        line(
            id="rml_1",
            line=2,
            tracking_number="GL1",
            remitted_minor=12900,
            result=remittances_pb2.REMITTANCE_RESULT_MATCHED,
            cod_order_id=ORDER_ID,
        ),
        line(
            id=LINE_ID,
            line=3,
            sender_reference="A-3003",
            remitted_minor=13000,
            result=remittances_pb2.REMITTANCE_RESULT_SUGGESTED,
            is_exception=True,
            suggestions=[ORDER_ID],
        ),
    ]


def of_cod() -> dict[str, Any]:
    """Answers by RPC."""
    couriers = [cod_pb2.Courier(id=COURIER_ID, name="GLS Torino")]
    ageing = remittances_pb2.CodAgeing(
        courier_id=COURIER_ID,
        courier="GLS Torino",
        currency="EUR",
        parcels=14,
        open_minor=180_000,
        days_0_to_7_minor=120_000,
        days_8_to_15_minor=40_000,
        days_over_30_minor=20_000,
        overdue_minor=60_000,
    )
    export = refunds_pb2.CodRefundExport(
        id=EXPORT_ID,
        refunds=2,
        amount=money(5000),
        execution_on="2026-11-30",
        states={"exported": 2},
        created_at=stamp(),
    )
    return {
        "ListCouriers": cod_pb2.ListCouriersResponse(data=couriers),
        "ListCodOrders": orders_pb2.ListCodOrdersResponse(data=[order()], next_cursor="more"),
        "GetCodOrder": orders_pb2.GetCodOrderResponse(order=order()),
        "ListCourierEvents": orders_pb2.ListCourierEventsResponse(data=[event()]),
        "ListCodRefunds": refunds_pb2.ListCodRefundsResponse(data=[refund()]),
        "ListCodRefundExports": refunds_pb2.ListCodRefundExportsResponse(data=[export]),
        "GetCodRefundFile": refunds_pb2.GetCodRefundFileResponse(name="CRE.xml", xml="<Document/>"),
        "ListRemittances": remittances_pb2.ListRemittancesResponse(data=[remittance()]),
        "GetRemittance": remittances_pb2.GetRemittanceResponse(remittance=remittance()),
        "ListRemittanceLines": remittances_pb2.ListRemittanceLinesResponse(data=lines()),
        "UploadRemittance": remittances_pb2.UploadRemittanceResponse(remittance=remittance()),
        "GetCodAgeing": remittances_pb2.GetCodAgeingResponse(data=[ageing]),
    }
