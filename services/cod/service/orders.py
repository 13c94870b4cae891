"""The gRPC door of orders: what is called for each RPC."""

from typing import Any, Final

from incasso.cod.v1 import orders_pb2
from libs import door
from libs.idempotency import Key
from services.cod.deps import Deps
from services.cod.errors import OrderNotFound
from services.cod.flows import confirming, converting, dispatching, online_refunds, orders, page
from services.cod.order_events import conversion_pb, order_pb
from services.cod.rules.orders import Order
from services.cod.store.courier_events import COURIER_EVENTS
from services.cod.store.orders import CHANGES, ORDERS


async def _convert_cod_order(
    deps: Deps, cod_order_id: str, key: Key
) -> orders_pb2.ConvertCodOrderResponse:
    found = await converting.convert_order(deps, cod_order_id, key)
    return conversion_pb(found.order, found.link, found.code)


def _with_page(what: door.What) -> door.Then:
    """Answers have the addresses of orders' pages. Kept answers have none: it is sealed in a place of its own."""
    return door.Then(what, _add_page_urls)


async def _add_page_urls(deps: Deps, answer: Any) -> None:
    shown = answer.data if "data" in answer.DESCRIPTOR.fields_by_name else [answer.order]
    urls = await page.urls_of(deps, [order.id for order in shown])
    for order in shown:
        if order.id in urls:
            order.page_url = urls[order.id]


CodOrders: Final = door.of(
    "incasso.cod.v1.CodOrdersService",
    shows={Order: order_pb},
    CreateCodOrder=_with_page(orders.create_order),
    GetCodOrder=_with_page(door.Row(ORDERS, OrderNotFound)),
    ListCodOrders=_with_page(door.Rows(ORDERS, "cod")),
    ChangeCodOrder=_with_page(orders.change_order),
    ListCodOrderChanges=door.Rows(
        CHANGES,
        "coc",
        columns={"cod_order_id": "order_id"},
        within=door.Row(ORDERS, OrderNotFound),
    ),
    CancelCodOrder=_with_page(orders.cancel_order),
    ConvertCodOrder=_with_page(_convert_cod_order),
    RetryCodOnlineRefund=_with_page(online_refunds.retry_online_refund),
    SendCodCode=_with_page(confirming.send_code),
    ConfirmCodOrder=_with_page(confirming.confirm_order),
    GetCodCode=confirming.get_code,
    AcknowledgeCodAmounts=dispatching.acknowledge_amounts,
    DispatchCodOrder=_with_page(dispatching.dispatch_order),
    RecordCourierEvents=dispatching.record_courier_events,
    ResolveCourierEvent=dispatching.resolve_courier_event,
    ListCourierEvents=door.Rows(COURIER_EVENTS, "cev"),
)
