"""The gRPC door of orders: what is called for each RPC."""

from typing import Final

from incasso.cod.v1 import orders_pb2
from libs import door
from libs.idempotency import Key
from services.cod.deps import Deps
from services.cod.errors import OrderNotFound
from services.cod.flows import confirming, converting, dispatching, orders
from services.cod.order_events import conversion_pb, order_pb
from services.cod.rules.orders import Order
from services.cod.store.courier_events import COURIER_EVENTS
from services.cod.store.orders import CHANGES, ORDERS


async def _convert_cod_order(
    deps: Deps, cod_order_id: str, key: Key
) -> orders_pb2.ConvertCodOrderResponse:
    found = await converting.convert_order(deps, cod_order_id, key)
    return conversion_pb(found.order, found.link, found.code)


CodOrders: Final = door.of(
    "incasso.cod.v1.CodOrdersService",
    shows={Order: order_pb},
    CreateCodOrder=orders.create_order,
    GetCodOrder=door.Row(ORDERS, OrderNotFound),
    ListCodOrders=door.Rows(ORDERS, "cod"),
    ChangeCodOrder=orders.change_order,
    ListCodOrderChanges=door.Rows(
        CHANGES,
        "coc",
        columns={"cod_order_id": "order_id"},
        within=door.Row(ORDERS, OrderNotFound),
    ),
    CancelCodOrder=orders.cancel_order,
    ConvertCodOrder=_convert_cod_order,
    SendCodCode=confirming.send_code,
    ConfirmCodOrder=confirming.confirm_order,
    GetCodCode=confirming.get_code,
    AcknowledgeCodAmounts=dispatching.acknowledge_amounts,
    DispatchCodOrder=dispatching.dispatch_order,
    RecordCourierEvents=dispatching.record_courier_events,
    ResolveCourierEvent=dispatching.resolve_courier_event,
    ListCourierEvents=door.Rows(COURIER_EVENTS, "cev"),
)
