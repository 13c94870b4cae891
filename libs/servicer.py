"""The gRPC servicer of a service: one line per RPC that names its flow. It decides nothing.

A flow is called with the deps and with the values named by its parameters: a field of the request,
read according to the parameter's type; a dataclass read from the whole request; `Key`, the call's
idempotency key; the request itself, by its class; `Pieces`, those of a file sent as a stream; and
the results of flows `given` to `of`, by their class. Its result is packed into the answer by its
type; a `Download` is sent as a stream.
Everything is checked when the process starts.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import SimpleNamespace
from typing import Any, TypeAlias, get_type_hints

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from libs import context, descriptors, pages, uploads, wire
from libs.downloads import Download
from libs.errors import Refusal, required
from libs.hints import bare
from libs.idempotency import Key, key_of, needed_key_of
from libs.pages import Listed
from libs.rows import Table

Flow: TypeAlias = Callable[..., Awaitable[Any]]
Asked: TypeAlias = Callable[[Any, Any], Awaitable[Any]]  # with deps and request
Shows: TypeAlias = Mapping[type, Callable[[Any], Message]]  # by class, unless names suffice


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the call's merchant, by the id in the request, or the refusal `missing`."""

    table: Table[Any]
    missing: type[Refusal]


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of the call's merchant's rows, with ids that begin with `prefix`.

    Every other field of the request is a filter on the column with its name, or as given in
    `columns`. `where` restricts the rows. `within` checks that the id in the first of `columns`
    exists.
    """

    table: Table[Any]
    prefix: str
    columns: Mapping[str, str] = field(default_factory=dict)
    where: str = "true"
    within: Row | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """Like `what`, but `complete` then completes the answer."""

    what: "Implementation"
    complete: Callable[[Any, Any], Awaitable[None]]  # deps and answer


Implementation: TypeAlias = Flow | Row | Rows | Completed


def of(
    service: str,
    *,
    shows: Shows | None = None,
    given: Mapping[type, Flow] | None = None,
    **rpcs: Implementation,
) -> Callable[[Any], SimpleNamespace]:
    """The servicer of a service, by its full name, for the given deps. Raises TypeError for
    any mismatch: an RPC without a line, a parameter without a source, a field that is not read by
    its flow.
    """
    methods = descriptors.service(service).methods_by_name
    if wrong := set(methods) ^ set(rpcs):
        raise TypeError(f"{service} has other RPCs: {sorted(wrong)}")
    calls = {name: _call(methods[name], rpcs[name], shows or {}, given or {}) for name in rpcs}

    def servicer(deps: Any) -> SimpleNamespace:
        return SimpleNamespace(**{name: _method(deps, call) for name, call in calls.items()})

    return servicer


def _method(deps: Any, call: Asked) -> Callable[[Message, Any], Awaitable[Message]]:
    async def method(request: Message, _: Any) -> Message:
        answer: Message = await call(deps, request)
        return answer

    return method


def _call(
    rpc: MethodDescriptor, what: Implementation, shows: Shows, given: Mapping[type, Flow]
) -> Asked:
    match what:
        case Completed():
            return _completed(_call(rpc, what.what, shows, given), what)
        case Row():
            ask = _row(rpc, what)
        case Rows():
            ask = _rows(rpc, what)
        case _:
            ask, read = _flow(rpc, what, given)
            if left := set(rpc.input_type.fields_by_name) - read:
                raise TypeError(f"{rpc.name} does not read {sorted(left)}")
    packed = _packed(rpc, shows)

    async def call(deps: Any, request: Message) -> Any:
        return packed(await ask(deps, request))

    return call


def _completed(first: Asked, what: Completed) -> Asked:
    async def call(deps: Any, request: Message) -> Any:
        answer = await first(deps, request)
        await what.complete(deps, answer)
        return answer

    return call


def _row(rpc: MethodDescriptor, what: Row) -> Asked:
    (named,) = rpc.input_type.fields_by_name

    async def ask(deps: Any, request: Message) -> Any:
        row_id = getattr(request, named)
        found = await deps.db.run(what.table.get, context.merchant_id(), row_id)
        return required(found, what.missing)

    return ask


def _rows(rpc: MethodDescriptor, what: Rows) -> Asked:
    filters = pages.filters(what.table, rpc.input_type, what.columns)
    ours = f"{what.where} AND merchant_id = {{}}"

    async def ask(deps: Any, request: Message) -> Any:
        page = pages.asked(request, what.prefix)
        conditions: dict[str, object] = {ours: context.merchant_id()}
        conditions |= {sql: get(request) for sql, get in filters.items()}
        async with deps.db.connection() as conn:
            if what.within:
                row_id = getattr(request, next(iter(what.columns)))
                found = await what.within.table.get(conn, context.merchant_id(), row_id)
                required(found, what.within.missing)
            return await pages.fetch(conn, what.table, page, conditions)

    return ask


def _flow(
    rpc: MethodDescriptor, flow: Flow, given: Mapping[type, Flow]
) -> tuple[Asked, frozenset[str]]:
    """The flow, called with its parameters, and the fields of the request that it reads."""
    hints = get_type_hints(flow)
    _, *parameters = inspect.signature(flow).parameters
    flows = {
        name: _flow(rpc, given[hints[name]], given) for name in parameters if hints[name] in given
    }
    values = {name: _value(rpc, name, hints[name]) for name in parameters if name not in flows}
    files = {name for name in values if hints[name] == uploads.Pieces}

    async def ask(deps: Any, request: Message) -> Any:
        message = request.request if isinstance(request, uploads.Upload) else request
        found = {name: await first(deps, message) for name, (first, _) in flows.items()}
        return await flow(
            deps,
            **found,
            **{
                name: get(request if name in files else message)
                for name, (get, _) in values.items()
            },
        )

    return ask, frozenset().union(*(read for _, read in (*flows.values(), *values.values())))


def _value(
    rpc: MethodDescriptor, name: str, hint: Any
) -> tuple[Callable[[Message], Any], frozenset[str]]:
    """The value of a parameter, and the fields that it comes from."""
    kind, known = bare(hint), rpc.input_type.fields_by_name
    if kind is Key:
        key_in = needed_key_of if hint is Key else key_of
        return lambda request: key_in(request, rpc.name), frozenset()
    if kind is GetMessageClass(rpc.input_type):
        return lambda request: request, frozenset(known)
    if hint == uploads.Pieces:
        return lambda upload: upload.pieces, frozenset({descriptors.rules_of(rpc).upload.field})
    if name in known:
        return wire.reader(known[name], hint), frozenset({name})
    if is_dataclass(bare(hint)):
        read = frozenset(one.name for one in fields(kind)) & frozenset(known)
        return lambda request: wire.read(kind, request), read
    raise TypeError(f"nothing in {rpc.name} says what {name} is")


def _packed(rpc: MethodDescriptor, shows: Shows) -> Callable[[Any], Any]:
    """Packs a flow's result into the answer: as itself, as rows, as its only field, or as a
    dataclass of all fields. A Download becomes a stream at the server.
    """
    answer, known = GetMessageClass(rpc.output_type), rpc.output_type.fields_by_name

    def packed(value: Any) -> Any:
        if value is None:
            return answer()
        if isinstance(value, (answer, Download)):
            return value
        if isinstance(value, Listed):
            data = [_shown(known["data"], row, shows) for row in value.rows]
            return answer(data=data, next_cursor=value.next_cursor)
        if len(known) > 1:
            return wire.message(answer, value)
        (field,) = known.values()
        if field.is_repeated:
            return answer(**{field.name: [_shown(field, one, shows) for one in value]})
        return answer(**{field.name: _shown(field, value, shows)})

    return packed


def _shown(field: FieldDescriptor, value: Any, shows: Shows) -> Any:
    """`bytes` are a message that was stored for repeats."""
    if field.message_type is None or isinstance(value, Message):
        return value
    if isinstance(value, bytes):
        return GetMessageClass(field.message_type).FromString(value)
    show = shows.get(value.__class__)
    return show(value) if show else wire.message(GetMessageClass(field.message_type), value)
