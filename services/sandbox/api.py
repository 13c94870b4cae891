"""The PSP's HTTP API: parse, run one flow, answer."""

from aiohttp import web

from services.sandbox import (
    calls,
    disputes_and_payouts,
    errors,
    flows,
    orders,
    saving,
    settlement_files,
    views,
    wire,
)
from services.sandbox.books.operations import Operation
from services.sandbox.cards import TOKEN_FAULTS
from services.sandbox.deps import Deps
from services.sandbox.faults import Kind
from services.sandbox.flows import Call

routes = web.RouteTableDef()
PSP = f"/psp/{wire.ACCOUNT}"


async def _start(
    request: web.Request, kind: str, *, subject: str = ""
) -> tuple[Call, dict[str, object]]:
    account = wire.authenticated_account(request)
    key = wire.idempotency_key(request)
    body = await wire.json_object(request)
    fingerprint = wire.body_hash(kind, subject, body)
    return Call(account, key, kind, fingerprint, wire.base_url(request)), body


def _token_fault(deps: Deps, account: str, token: str) -> Kind | None:
    """The fault of the card behind a token; unknown tokens are refused later."""
    if not TOKEN_FAULTS.keys() & {token} and not token.startswith(("sbx_", "sbt_")):
        return None
    try:
        card = flows.resolve_card(deps, account, token)
    except errors.SandboxError:
        return None
    return TOKEN_FAULTS.get(card.magic)


@routes.post(f"{PSP}/charges")
async def create_charge(request: web.Request) -> web.StreamResponse:
    deps = wire.deps_of(request)
    call, body = await _start(request, "charge")
    order = orders.parse_charge(body)
    attributes = {
        "http.route": "/psp/{account}/charges",
        "sandbox.account": call.account,
        "sandbox.key": call.key,
    }
    fault = _token_fault(deps, call.account, order.token)

    def book(call: Call) -> Operation:
        operation = flows.book_charge(deps, call, order)
        attributes.update({"sandbox.charge": operation.id, "sandbox.state": operation.state})
        return operation

    with deps.traces.server_span(
        request.headers.get("traceparent"), "sandbox POST /charges", attributes
    ):
        return await calls.perform(request, call, book, token_fault=fault)


@routes.post(f"{PSP}/charges/{{charge_id}}/captures")
async def capture_charge(request: web.Request) -> web.StreamResponse:
    deps, charge_id = wire.deps_of(request), request.match_info["charge_id"]
    call, body = await _start(request, "capture", subject=charge_id)
    orders.only(body, frozenset({"amount_minor"}))
    amount_minor = orders.amount(body)
    return await calls.perform(
        request, call, lambda call: flows.book_capture(deps, call, charge_id, amount_minor)
    )


@routes.post(f"{PSP}/charges/{{charge_id}}/cancellations")
async def cancel_charge(request: web.Request) -> web.StreamResponse:
    deps, charge_id = wire.deps_of(request), request.match_info["charge_id"]
    call, body = await _start(request, "cancel", subject=charge_id)
    orders.only(body, frozenset())
    return await calls.perform(request, call, lambda call: flows.book_cancel(deps, call, charge_id))


@routes.post(f"{PSP}/charges/{{charge_id}}/refunds")
async def refund_charge(request: web.Request) -> web.StreamResponse:
    deps, charge_id = wire.deps_of(request), request.match_info["charge_id"]
    call, body = await _start(request, "refund", subject=charge_id)
    orders.only(body, frozenset({"amount_minor"}))
    amount_minor = orders.amount(body)
    return await calls.perform(
        request, call, lambda call: flows.book_refund(deps, call, charge_id, amount_minor)
    )


@routes.post(f"{PSP}/instruments")
async def create_instrument(request: web.Request) -> web.StreamResponse:
    deps = wire.deps_of(request)
    call, body = await _start(request, "instrument")
    order = saving.parse_instrument(body)
    return await calls.perform(
        request, call, lambda call: saving.save_instrument(deps, call, order)
    )


@routes.delete(f"{PSP}/instruments/{{token}}")
async def delete_instrument(request: web.Request) -> web.StreamResponse:
    account = wire.authenticated_account(request)
    saving.delete_instrument(wire.deps_of(request), account, request.match_info["token"])
    return web.Response(status=204)


@routes.get(f"{PSP}/operations/{{key}}")
async def look_up_operation(request: web.Request) -> web.StreamResponse:
    account = wire.authenticated_account(request)

    async def read() -> web.Response:
        deps, key = wire.deps_of(request), request.match_info["key"]
        return wire.json_answer(flows.lookup(deps, account, key, wire.base_url(request)))

    return await calls.answer_read(request, account, read)


@routes.get(f"{PSP}/charges/{{charge_id}}")
async def get_charge(request: web.Request) -> web.StreamResponse:
    account = wire.authenticated_account(request)

    async def read() -> web.Response:
        deps, charge_id = wire.deps_of(request), request.match_info["charge_id"]
        charge = flows.require_charge(deps, charge_id, account=account)
        return wire.json_answer(views.charge(charge, wire.base_url(request)))

    return await calls.answer_read(request, account, read)


@routes.get(f"{PSP}/settlements/report")
async def get_settlement_report(request: web.Request) -> web.StreamResponse:
    """The lines paid out as a file, in a dialect."""
    account = wire.authenticated_account(request)
    dialect = wire.query_choice(request, "dialect", tuple(settlement_files.DIALECTS))
    text = disputes_and_payouts.settlement_report(wire.deps_of(request), account, dialect)
    return web.Response(text=text, content_type="text/csv", charset="utf-8")


@routes.get(f"{PSP}/settlements")
async def list_settlements(request: web.Request) -> web.StreamResponse:
    account = wire.authenticated_account(request)
    page = disputes_and_payouts.settlement_page(
        wire.deps_of(request),
        account,
        after=wire.query_integer(request, "since", 0, most=2**62),
        limit=wire.page_limit(request),
    )
    return wire.json_answer(page)
