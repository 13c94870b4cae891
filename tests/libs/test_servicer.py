"""A servicer passes flows the values that their parameters name, and packs their answers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest

from incasso.notify.v1 import webhooks_pb2
from incasso.paylink.v1 import shop_pb2 as pb
from libs import context, descriptors, ids, rows, servicer
from libs.db import Database
from libs.errors import IdempotencyKeyMissing, Kind, Refusal
from libs.idempotency import Key
from libs.money import Money
from libs.pages import Listed

SHOP = "incasso.paylink.v1.ShopService"
DEPS = object()
NOW = datetime(2027, 1, 2, tzinfo=UTC)


class State(Enum):
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True)
class Product:
    id: str
    merchant_id: str
    state: State
    price: Money
    created_at: datetime


@dataclass(frozen=True)
class NewProduct:
    name: str
    description: str | None
    price: Money
    max_quantity: int | None
    position: int | None
    metadata: dict[str, str]


class NotThere(Refusal, kind=Kind.NOT_FOUND, reason="not_there"):
    message = "There is nothing."


PRODUCTS = rows.Table("products", Product)
MUG = Product("prd_1", "mer_1", State.ACTIVE, Money(1250, "EUR"), NOW)


@pytest.fixture(autouse=True)
def call():
    context.set_current(context.Call(merchant_id="mer_1", idempotency_key="key-1"))
    yield
    context.set_current(context.Call())


async def anything(deps: Any, request: Any) -> None: ...


def door_of(rpc: str, what: servicer.Implementation, **more: Any) -> Any:
    """A servicer in which only this RPC matters."""
    others = {
        method.name: idle(method.input_type)
        for method in descriptors.service(SHOP).methods
        if method.name != rpc
    }
    return servicer.of(SHOP, **others, **{rpc: what}, **more)


def idle(request: Any) -> servicer.Flow:
    async def flow(deps: Any, asked: Any) -> None: ...

    flow.__annotations__["asked"] = getattr(pb, request.name)
    return flow


async def ask(
    rpc: str, what: servicer.Implementation, /, *, deps: Any = DEPS, then: Any = None, **fields: Any
):
    """The servicer's answer, called as gRPC calls it."""
    servicer = door_of(rpc, what, **(then or {}))(deps)
    return await getattr(servicer, rpc)(getattr(pb, f"{rpc}Request")(**fields), None)


async def test_a_parameter_is_a_request_field_or_a_command_built_from_the_request():
    seen = []

    async def create(deps: Any, new: NewProduct) -> None:
        seen.append(new)

    price = {"amount_minor": 5, "currency": "EUR"}
    await ask("CreateProduct", create, name="Mug", price=price, metadata={"a": "b"})
    assert seen == [NewProduct("Mug", None, Money(5, "EUR"), None, None, {"a": "b"})]

    async def archive(deps: Any, product_id: str, key: Key) -> None:
        seen[:] = [(deps, product_id, key.text, key.method)]

    await ask("ArchiveProduct", archive, product_id="prd_1")
    assert seen == [(DEPS, "prd_1", "key-1", "ArchiveProduct")]


async def test_an_unset_field_is_none():
    seen = []

    async def read(deps: Any, state: State | None, limit: int | None, cursor: str | None) -> None:
        seen.append((state, limit, cursor))

    await ask("ListProducts", read)
    await ask("ListProducts", read, state=pb.Product.STATE_ARCHIVED, limit=3)
    assert seen == [(None, None, None), (State.ARCHIVED, 3, None)]


async def test_a_missing_key_is_refused_only_if_the_flow_needs_it():
    async def optional(deps: Any, product_id: str, key: Key | None) -> None:
        assert key is None

    async def needed(deps: Any, product_id: str, key: Key) -> None:
        raise AssertionError

    context.set_current(context.Call(merchant_id="mer_1"))
    await ask("ArchiveProduct", optional, product_id="prd_1")
    with pytest.raises(IdempotencyKeyMissing):
        await ask("ArchiveProduct", needed, product_id="prd_1")


async def test_given_values_are_resolved_before_the_key():
    """Only the given value, such as a token, may reveal whom the call acts for."""

    async def opened(deps: Any, product_id: str) -> Product:
        context.set_current(context.Call(merchant_id="mer_2", idempotency_key=product_id))
        return MUG

    async def archive(deps: Any, product: Product, key: Key) -> None:
        assert (product, key.merchant_id, key.text) == (MUG, "mer_2", "prd_1")

    given = {"given": {Product: opened}}
    await ask("ArchiveProduct", archive, product_id="prd_1", then=given)


@pytest.mark.parametrize(
    "made", [MUG, pb.Product(id="prd_1"), pb.GetProductResponse(product=pb.Product(id="prd_1"))]
)
async def test_an_answer_is_packed_by_its_type(made: Any):
    async def get(deps: Any, product_id: str) -> Any:
        return made

    assert (await ask("GetProduct", get, product_id="prd_1")).product.id == "prd_1"


async def test_stored_bytes_are_returned_as_their_message():
    kept = pb.Product(id="prd_1", name="Mug")

    async def get(deps: Any, product_id: str) -> bytes:
        return kept.SerializeToString()

    assert (await ask("GetProduct", get, product_id="prd_1")).product == kept


async def test_a_class_may_have_its_own_conversion():
    async def all_of_them(deps: Any, request: pb.ListProductsRequest) -> Listed[Product]:
        return Listed([MUG, MUG], "more")

    shows = {"shows": {Product: lambda product: pb.Product(id=product.id.upper())}}
    answer = await ask("ListProducts", all_of_them, then=shows)
    assert [product.id for product in answer.data] == ["PRD_1", "PRD_1"]
    assert answer.next_cursor == "more"


async def test_a_follow_up_completes_the_answer():
    async def get(deps: Any, product_id: str) -> Product:
        return MUG

    async def named(deps: Any, answer: Any) -> None:
        answer.product.name = f"{deps is DEPS}"

    answer = await ask("GetProduct", servicer.Completed(get, named), product_id="prd_1")
    assert (answer.product.id, answer.product.name) == ("prd_1", "True")


class Answering:
    """A database that returns a test's rows, and records its queries."""

    run = Database.run

    def __init__(self, *found: dict[str, Any]) -> None:
        self.found = found
        self.asked: list[Any] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Answering"]:
        yield self

    async def fetchrow(self, sql: str, *args: object) -> dict[str, Any] | None:
        self.asked += [sql.partition(" WHERE ")[2], *args]
        return next(iter(self.found), None)

    async def fetch(self, sql: str, *args: object) -> Sequence[dict[str, Any]]:
        self.asked += [sql.partition(" WHERE ")[2], *args]
        return self.found


def row(product: Product) -> dict[str, Any]:
    return dict(zip(PRODUCTS.columns, PRODUCTS.values(product), strict=True))


async def test_a_merchants_row_is_returned_or_refused_if_absent():
    there, nothing = Answering(row(MUG)), Answering()
    what = servicer.Row(PRODUCTS, NotThere)
    answer = await ask("GetProduct", what, deps=SimpleNamespace(db=there), product_id="prd_1")
    assert answer.product.price.amount_minor == MUG.price.amount_minor
    assert there.asked == ["merchant_id = $1 AND id = $2", "mer_1", "prd_1"]
    with pytest.raises(NotThere):
        await ask("GetProduct", what, deps=SimpleNamespace(db=nothing), product_id="prd_1")


async def test_rows_are_filtered_by_merchant_and_request():
    db = Answering(row(MUG))
    what = servicer.Rows(PRODUCTS, "prd", where="sold")
    fields = {"state": pb.Product.STATE_ACTIVE, "limit": 1}
    answer = await ask("ListProducts", what, deps=SimpleNamespace(db=db), **fields)
    assert [product.id for product in answer.data] == ["prd_1"]
    where = "id < $1 AND sold AND merchant_id = $3 AND state = 'active' ORDER BY id DESC LIMIT $2"
    assert db.asked == [where, "prd_~", 2, "mer_1"]


@dataclass(frozen=True)
class Delivery:
    id: str
    endpoint_id: str
    state: State


async def test_child_rows_are_refused_when_their_parent_is_absent():
    db = Answering()
    endpoint_id = ids.new("whe")
    rpc = descriptors.method("incasso.notify.v1.WebhooksService/ListWebhookDeliveries")
    within = servicer.Row(rows.Table("endpoints", Product), NotThere)
    columns = {"webhook_endpoint_id": "endpoint_id"}
    what = servicer.Rows(rows.Table("deliveries", Delivery), "whd", columns, within=within)
    read = servicer._rows(rpc, what)
    request = webhooks_pb2.ListWebhookDeliveriesRequest(webhook_endpoint_id=endpoint_id)
    with pytest.raises(NotThere):
        await read(SimpleNamespace(db=db), request)
    assert db.asked == ["merchant_id = $1 AND id = $2", "mer_1", endpoint_id]


def test_an_unimplemented_or_unknown_rpc_fails_at_startup():
    with pytest.raises(TypeError, match="ArchiveProduct"):
        servicer.of(SHOP)
    with pytest.raises(TypeError, match="SellProduct"):
        door_of("SellProduct", anything)


def test_an_unresolvable_parameter_fails_at_startup():
    async def get(deps: Any, product_id: str, colour: str) -> None: ...

    with pytest.raises(TypeError, match="nothing in GetProduct says what colour is"):
        door_of("GetProduct", get)


def test_an_unread_request_field_fails_at_startup():
    async def update(deps: Any, product_id: str) -> None: ...

    with pytest.raises(TypeError, match=r"UpdateProduct does not read \['description'"):
        door_of("UpdateProduct", update)


def test_a_filter_without_a_column_fails_at_startup():
    with pytest.raises(KeyError, match="state"):
        door_of("ListProducts", servicer.Rows(rows.Table("prices", Price), "prd"))


@dataclass(frozen=True)
class Price:
    id: str
    amount: Money
