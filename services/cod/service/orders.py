"""The gRPC door of orders: what is called for each RPC."""

from typing import Final

from libs import door
from services.cod.errors import OrderNotFound
from services.cod.flows import confirming, dispatching, orders
from services.cod.order_events import order_pb
from services.cod.rules.orders import Order
from services.cod.store.courier_events import COURIER_EVENTS
from services.cod.store.orders import CHANGES, ORDERS

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
    SendCodCode=confirming.send_code,
    ConfirmCodOrder=confirming.confirm_order,
    GetCodCode=confirming.get_code,
    AcknowledgeCodAmounts=dispatching.acknowledge_amounts,
    DispatchCodOrder=dispatching.dispatch_order,
    RecordCourierEvents=dispatching.record_courier_events,
    ResolveCourierEvent=dispatching.resolve_courier_event,
    ListCourierEvents=door.Rows(COURIER_EVENTS, "cev"),
)
