"""The gRPC servicer for orders: one line per RPC."""

from typing import Any, Final

from incasso.cod.v1 import orders_pb2
from libs import servicer
from libs.idempotency import Key
from services.cod.deps import Deps
from services.cod.errors import OrderNotFound
from services.cod.flows import (
    confirming,
    converting,
    deposits,
    dispatching,
    online_refunds,
    orders,
    page,
)
from services.cod.order_events import conversion_pb, order_pb
from services.cod.rules.orders import Order
from services.cod.store.courier_events import COURIER_EVENTS
from services.cod.store.orders import CHANGES, ORDERS


async def _convert_cod_order(
    deps: Deps, cod_order_id: str, key: Key
) -> orders_pb2.ConvertCodOrderResponse:
    found = await converting.convert_order(deps, cod_order_id, key)
    return conversion_pb(found.order, found.link, found.code)


def _with_urls(what: servicer.Implementation) -> servicer.Completed:
    """Adds the URLs of orders' pages and of deposits' links to answers. Stored answers have none:
    they are sealed separately.
    """
    return servicer.Completed(what, _add_urls)


def _with_links(what: servicer.Implementation) -> servicer.Completed:
    """The same for an order whose deposit link may be new."""
    return servicer.Completed(what, _make_links)


async def _make_links(deps: Deps, answer: Any) -> None:
    if answer.order.deposit.state == orders_pb2.CodOrderDeposit.STATE_DUE:
        await deposits.make_links(deps, [answer.order.id])
    await _add_urls(deps, answer)


async def _add_urls(deps: Deps, answer: Any) -> None:
    shown = answer.data if "data" in answer.DESCRIPTOR.fields_by_name else [answer.order]
    order_ids = [order.id for order in shown]
    pages, links = await page.urls_of(deps, order_ids), await deposits.urls_of(deps, order_ids)
    for order in shown:
        if order.id in pages:
            order.page_url = pages[order.id]
        if order.id in links:
            order.deposit_url = links[order.id]


CodOrders: Final = servicer.of(
    "incasso.cod.v1.CodOrdersService",
    shows={Order: order_pb},
    CreateCodOrder=_with_links(orders.create_order),
    GetCodOrder=_with_urls(servicer.Row(ORDERS, OrderNotFound)),
    ListCodOrders=_with_urls(servicer.Rows(ORDERS, "cod")),
    ChangeCodOrder=_with_links(orders.change_order),
    ListCodOrderChanges=servicer.Rows(
        CHANGES,
        "coc",
        columns={"cod_order_id": "order_id"},
        within=servicer.Row(ORDERS, OrderNotFound),
    ),
    CancelCodOrder=_with_urls(orders.cancel_order),
    ConvertCodOrder=_with_urls(_convert_cod_order),
    RetryCodOnlineRefund=_with_urls(online_refunds.retry_online_refund),
    SendCodCode=_with_urls(confirming.send_code),
    ConfirmCodOrder=_with_urls(confirming.confirm_order),
    GetCodCode=confirming.get_code,
    AcknowledgeCodAmounts=dispatching.acknowledge_amounts,
    DispatchCodOrder=_with_urls(dispatching.dispatch_order),
    RecordCourierEvents=dispatching.record_courier_events,
    ResolveCourierEvent=dispatching.resolve_courier_event,
    ListCourierEvents=servicer.Rows(COURIER_EVENTS, "cev"),
)
