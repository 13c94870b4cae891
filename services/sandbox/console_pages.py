"""The PSP's own console: its calls under /control, and the buttons on a charge's page."""

import re

from aiohttp import web

from services.sandbox import console, disputes_and_payouts, errors, orders, rendering, wire
from services.sandbox.books import disputes, operations
from services.sandbox.flows import require_charge

AMOUNT = re.compile(r"[0-9]{1,12}")

routes = web.RouteTableDef()


@routes.post("/control/charges/{charge_id}/{kind:capture|refund|cancel}")
async def operate(request: web.Request) -> web.Response:
    body, kind = await wire.json_object(request), request.match_info["kind"]
    orders.only(body, frozenset() if kind == "cancel" else frozenset({"amount_minor"}))
    done = console.operate(
        wire.deps_of(request),
        request.match_info["charge_id"],
        kind,
        orders.amount(body) if body.get("amount_minor") is not None else None,
        base_url=wire.base_url(request),
    )
    return wire.json_answer(done)


@routes.post("/control/charges/{charge_id}/approve")
async def approve_late(request: web.Request) -> web.Response:
    body = await wire.json_object(request)
    orders.only(body, frozenset({"captured"}))
    if not isinstance(body.get("captured", True), bool):
        raise errors.InvalidRequestError("true or false", field="captured")
    done = console.approve_late(
        wire.deps_of(request),
        request.match_info["charge_id"],
        captured=body.get("captured", True),
        base_url=wire.base_url(request),
    )
    return wire.json_answer(done)


@routes.post("/control/refunds/{operation_id}/fail")
async def fail_refund(request: web.Request) -> web.Response:
    orders.only(await wire.json_object(request), frozenset())
    done = console.fail_refund(
        wire.deps_of(request),
        request.match_info["operation_id"],
        base_url=wire.base_url(request),
    )
    return wire.json_answer(done)


@routes.post("/control/disputes/{dispute_id}/amount")
async def change_amount(request: web.Request) -> web.Response:
    body = await wire.json_object(request)
    orders.only(body, frozenset({"amount_minor"}))
    changed = disputes_and_payouts.change_dispute(
        wire.deps_of(request),
        request.match_info["dispute_id"],
        amount_minor=orders.amount(body),
        base_url=wire.base_url(request),
    )
    return wire.json_answer(changed)


@routes.post("/control/disputes/{dispute_id}/appeal")
async def appeal(request: web.Request) -> web.Response:
    orders.only(await wire.json_object(request), frozenset())
    changed = disputes_and_payouts.change_dispute(
        wire.deps_of(request),
        request.match_info["dispute_id"],
        state="open",
        base_url=wire.base_url(request),
    )
    return wire.json_answer(changed)


@routes.get("/charges/{charge_id}")
async def show_charge(request: web.Request) -> web.Response:
    return _page(request)


@routes.post("/charges/{charge_id}")
async def act(request: web.Request) -> web.Response:
    """A button was pressed; `subject` is the refund or dispute that it belongs to."""
    fields = await request.post()
    form = {name: value for name, value in fields.items() if isinstance(value, str)}
    charge_id = request.match_info["charge_id"]
    try:
        _act(request, charge_id, form)
    except errors.NotFoundError as error:
        return rendering.page("missing.html", status=404, message=error.message)
    except errors.SandboxError as refusal:
        return _page(request, refusal=refusal)
    raise web.HTTPSeeOther(f"/charges/{charge_id}")


def _act(request: web.Request, charge_id: str, form: dict[str, str]) -> None:
    deps, base_url = wire.deps_of(request), wire.base_url(request)
    subject, amount = form.get("subject", ""), _amount(form)
    match form.get("act"):
        case "capture" | "refund" | "cancel" as kind:
            console.operate(deps, charge_id, kind, amount, base_url=base_url)
        case "approve" | "hold" as how:
            captured = how == "approve"
            console.approve_late(deps, charge_id, captured=captured, base_url=base_url)
        case "fail":
            console.fail_refund(deps, subject, base_url=base_url)
        case "dispute":
            disputes_and_payouts.open_dispute(deps, charge_id, amount, base_url=base_url)
        case "amount" if amount:
            disputes_and_payouts.change_dispute(
                deps, subject, amount_minor=amount, base_url=base_url
            )
        case "won" | "lost" as outcome:
            disputes_and_payouts.close_dispute(
                deps, subject, won=outcome == "won", base_url=base_url
            )
        case "appeal":
            disputes_and_payouts.change_dispute(deps, subject, state="open", base_url=base_url)
        case _:
            raise errors.InvalidRequestError("no such button, or no amount", field="act")


def _amount(form: dict[str, str]) -> int | None:
    written = form.get("amount_minor", "").strip()
    if not written:
        return None
    if not AMOUNT.fullmatch(written) or not int(written):
        raise errors.InvalidRequestError("minor units, such as 1250", field="amount_minor")
    return int(written)


def _page(request: web.Request, *, refusal: errors.SandboxError | None = None) -> web.Response:
    deps = wire.deps_of(request)
    try:
        charge = require_charge(deps, request.match_info["charge_id"])
    except errors.NotFoundError as error:
        return rendering.page("missing.html", status=404, message=error.message)
    return rendering.page(
        "charge.html",
        status=refusal.status if refusal else 200,
        charge=charge,
        operations=operations.for_charge(deps.conn, charge.account, charge.id),
        disputes=disputes.of_charge(deps.conn, charge.id),
        refusal=refusal,
    )
