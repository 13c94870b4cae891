"""Controls for tests, demos and chaos runs: accounts, faults, disputes, payouts, and the outcome of
pending charges.
"""

from aiohttp import web

from services.sandbox import (
    disputes_and_payouts,
    errors,
    flows,
    orders,
    psp,
    views,
    wire,
    wrong_payouts,
)
from services.sandbox.books import accounts, clocks
from services.sandbox.books.accounts import Account

FURTHEST_SECONDS = 100 * 366 * 86_400

routes = web.RouteTableDef()


@routes.put(f"/control/accounts/{wire.ACCOUNT}")
async def register_account(request: web.Request) -> web.Response:
    """A null webhook_url stops the account's webhooks."""
    deps, name = wire.deps_of(request), request.match_info["account"]
    body = await wire.json_object(request)
    orders.only(body, frozenset({"webhook_url", "webhook_secret"}))
    webhook_url = orders.web_address(body, "webhook_url")
    if webhook_url is None:
        accounts.delete(deps.conn, name)
        deps.accounts.pop(name, None)
    else:
        account = Account(name, webhook_url, orders.text(body, "webhook_secret"))
        accounts.save(deps.conn, account)
        deps.accounts[name] = account
    return wire.json_answer({"account": name, "webhook_url": webhook_url})


@routes.put("/control/clocks/{name:[A-Za-z0-9_-]{1,64}}")
async def advance_clock(request: web.Request) -> web.Response:
    """Advances the clock of a PSP account, an IBAN or a courier."""
    name, body = request.match_info["name"], await wire.json_object(request)
    orders.only(body, frozenset({"ahead_seconds"}))
    ahead_seconds = orders.integer(body, "ahead_seconds", least=0, most=FURTHEST_SECONDS)
    conn = wire.deps_of(request).conn
    clocks.advance_to(conn, name, ahead_seconds)
    return wire.json_answer({"name": name, "now": int(clocks.now(conn, name))})


@routes.put("/control/faults")
async def put_faults(request: web.Request) -> web.Response:
    deps, body = wire.deps_of(request), await wire.json_object(request)
    rules = orders.parse_rules(body)
    seed = orders.integer(body, "seed", least=0, most=2**62) if "seed" in body else None
    deps.faults.replace(rules, seed=seed)
    return wire.json_answer({"rules": deps.faults.describe()})


@routes.get("/control/faults")
async def get_faults(request: web.Request) -> web.Response:
    return wire.json_answer({"rules": wire.deps_of(request).faults.describe()})


@routes.delete("/control/faults")
async def delete_faults(request: web.Request) -> web.Response:
    wire.deps_of(request).faults.replace([])
    return wire.json_answer({"rules": []})


@routes.post("/control/disputes")
async def open_dispute(request: web.Request) -> web.Response:
    body = await wire.json_object(request)
    orders.only(body, frozenset({"charge_id", "amount_minor"}))
    amount_minor = orders.amount(body) if body.get("amount_minor") is not None else None
    dispute = disputes_and_payouts.open_dispute(
        wire.deps_of(request),
        orders.text(body, "charge_id"),
        amount_minor,
        base_url=wire.base_url(request),
    )
    return wire.json_answer(dispute, status=201)


@routes.post("/control/disputes/{dispute_id}/close")
async def close_dispute(request: web.Request) -> web.Response:
    body = await wire.json_object(request)
    orders.only(body, frozenset({"outcome"}))
    if body.get("outcome") not in ("won", "lost"):
        raise errors.InvalidRequestError("won or lost", field="outcome")
    dispute = disputes_and_payouts.close_dispute(
        wire.deps_of(request),
        request.match_info["dispute_id"],
        won=body["outcome"] == "won",
        base_url=wire.base_url(request),
    )
    return wire.json_answer(dispute)


@routes.post("/control/payouts")
async def make_payouts(request: web.Request) -> web.Response:
    """`mistakes`: number of lines by kind, of one account."""
    body = await wire.json_object(request)
    orders.only(body, frozenset({"account", "mistakes"}))
    account = orders.optional_text(body, "account")
    mistakes = body.get("mistakes", {})
    if not isinstance(mistakes, dict) or (mistakes and account is None):
        raise errors.InvalidRequestError("an object, with an account", field="mistakes")
    deps = wire.deps_of(request)
    payouts = disputes_and_payouts.pay_out(
        deps,
        account=account,
        before=clocks.now(deps.conn, account or "") + 1,
        mistakes=wrong_payouts.parse(mistakes),
    )
    return wire.json_answer({"data": payouts})


@routes.post("/control/charges/{charge_id}/settle")
async def settle_pending_charge(request: web.Request) -> web.Response:
    deps, body = wire.deps_of(request), await wire.json_object(request)
    orders.only(body, frozenset({"outcome"}))
    outcome = body.get("outcome", "approved")
    if outcome not in ("approved", "declined"):
        raise errors.InvalidRequestError("approved or declined", field="outcome")
    charge = flows.require_charge(deps, request.match_info["charge_id"])
    if charge.state != psp.State.PENDING:
        raise errors.NotPendingError(f"a charge in state {charge.state} is not pending")
    finished = flows.finish_charge(
        deps,
        charge,
        approved=outcome == "approved",
        decline_code=psp.DO_NOT_HONOR,
        base_url=wire.base_url(request),
    )
    return wire.json_answer(views.charge(finished, wire.base_url(request)))
