"""The 3-D Secure page: the shopper approves or refuses, then returns to the shop.

Answering twice, or after the shop has cancelled, changes nothing and shows the current state.
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web

from services.sandbox import errors, flows, psp, rendering, saving, texts, wire
from services.sandbox.books import charges, instruments
from services.sandbox.books.instruments import Instrument
from services.sandbox.deps import Deps
from services.sandbox.psp import Charge, State

routes = web.RouteTableDef()
PATH = r"/3ds/{challenge:[0-9a-z_]{1,64}}"

OUTCOME_TEXTS = {
    State.AUTHORISED: "approved",
    State.CAPTURED: "approved",
    State.DECLINED: "refused",
    State.CANCELLED: "cancelled",
    "ready": "setup_approved",
    "refused": "refused",
}


def return_address(url: str | None, reference: str | None) -> str | None:
    """The shop's URL with its query unchanged; the reference is added if it is missing."""
    if url is None:
        return None
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if reference is None or any(name == "payment_reference" for name, _ in query):
        return url
    extended = urlencode([*query, ("payment_reference", reference)])
    return urlunsplit(parts._replace(query=extended))


def _origin(url: str | None) -> str:
    if url is None:
        return ""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _find(deps: Deps, challenge: str) -> Charge | Instrument:
    subject = charges.find_by_challenge(deps.conn, challenge) or instruments.find_by_challenge(
        deps.conn, challenge
    )
    if subject is None:
        raise errors.NotFoundError("no such challenge")
    return subject


def _back(subject: Charge | Instrument) -> str | None:
    reference = subject.reference if isinstance(subject, Charge) else None
    return return_address(subject.return_url, reference)


def _page(request: web.Request, subject: Charge | Instrument) -> web.Response:
    words, back = texts.for_reader(request), _back(subject)
    # Browsers apply form-action to the redirect after the form, too.
    return rendering.page(
        "challenge.html",
        form_action=f"'self' {_origin(back)}".strip(),
        words=words,
        subject=subject,
        is_charge=isinstance(subject, Charge),
        waiting=subject.state == State.REQUIRES_ACTION,
        outcome=words.get(OUTCOME_TEXTS.get(subject.state, ""), ""),
        back=back,
    )


@routes.get(PATH)
async def show_challenge(request: web.Request) -> web.Response:
    try:
        subject = _find(wire.deps_of(request), request.match_info["challenge"])
    except errors.NotFoundError:
        return rendering.page("unknown.html", status=404, words=texts.for_reader(request))
    return _page(request, subject)


@routes.post(PATH)
async def answer_challenge(request: web.Request) -> web.Response:
    deps, base_url = wire.deps_of(request), wire.base_url(request)
    subject = _find(deps, request.match_info["challenge"])
    decision = (await request.post()).get("decision")
    if decision not in ("approve", "refuse"):
        raise errors.InvalidRequestError("approve or refuse", field="decision")
    # Others ran while the form was read: check again, and do not await from here on.
    subject = _find(deps, request.match_info["challenge"])
    approved = decision == "approve"
    if subject.state == State.REQUIRES_ACTION:
        if isinstance(subject, Charge):
            subject = flows.finish_charge(
                deps,
                subject,
                approved=approved,
                decline_code=psp.AUTHENTICATION_FAILED,
                base_url=base_url,
            )
        else:
            subject = saving.finish_setup(deps, subject, approved=approved, base_url=base_url)
    if back := _back(subject):
        raise web.HTTPSeeOther(back)
    return _page(request, subject)
