"""The SMS provider's HTTP API, after Twilio's: send, look up, list, and status reports."""

import asyncio
import hmac
import json
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import encode_basic_auth, web
from uuid_utils import uuid4

from services.sandbox import calls, wire
from services.sandbox.books import messages, notices
from services.sandbox.books.messages import Message
from services.sandbox.database import transaction
from services.sandbox.deps import Deps
from services.sandbox.faults import SMS, Kind, Rule
from services.sandbox.inbox import reports, sms

MOST_PER_PAGE, DEFAULT_PAGE = 1000, 50
ACCOUNT = "/twilio/2010-04-01/Accounts/{sid:AC[0-9a-zA-Z]{32}}"
TOO_MANY = 429

routes = web.RouteTableDef()


def _answer(body: dict[str, Any], *, status: int = 200) -> web.Response:
    return wire.json_answer(body, status=status)


def _refuse(refusal: sms.Refusal) -> web.Response:
    return _answer(refusal.body(), status=refusal.status)


def _is_caller_known(request: web.Request) -> bool:
    expected = wire.deps_of(request).config.sandbox_twilio_auth_token
    allowed = encode_basic_auth(request.match_info["sid"], expected).encode()
    given = request.headers.get("Authorization", "").encode(errors="replace")
    return hmac.compare_digest(allowed, given)


@routes.post(f"{ACCOUNT}/Messages.json")
async def send_message(request: web.Request) -> web.StreamResponse:
    if not _is_caller_known(request):
        return _refuse(sms.UNAUTHENTICATED)
    deps, fields = wire.deps_of(request), await request.post()
    form = {name: value for name, value in fields.items() if isinstance(value, str)}
    recipient = form.get("To", "").removeprefix(sms.WHATSAPP)
    if broken := await _disturbed(deps, request, recipient):
        return broken
    order = sms.parse(form)
    if isinstance(order, sms.Refusal):
        return _refuse(order)
    message = _store(deps, order, request.match_info["sid"])
    if _take(deps, recipient, Kind.DROP_AFTER):
        return calls.dropped(request)
    return _answer(sms.view(message), status=201)


def _take(deps: Deps, recipient: str, kind: Kind) -> Rule | None:
    rule = deps.faults.take_one(recipient, SMS, kind)
    if rule is not None:
        deps.metrics.faults.labels(SMS, kind).inc()
    return rule


async def _disturbed(deps: Deps, request: web.Request, recipient: str) -> web.StreamResponse | None:
    """A fault instead of the message; None if it is only delayed, or if there is no fault."""
    if rule := _take(deps, recipient, Kind.SLOW):
        slow = deps.config.sandbox_slow_seconds
        await asyncio.sleep(slow if rule.seconds is None else rule.seconds)
    if _take(deps, recipient, Kind.DOWN) or _take(deps, recipient, Kind.DROP_BEFORE):
        return calls.dropped(request)
    rule = _take(deps, recipient, Kind.ERROR)
    if rule is None:
        return None
    status = int(rule.code or 503)
    words = "Too Many Requests" if status == TOO_MANY else "Refused by a fault rule"
    answer = _refuse(sms.Refusal(status, 20000 + status, words))
    if status == TOO_MANY:
        answer.headers["Retry-After"] = str(math.ceil(1 if rule.seconds is None else rule.seconds))
    return answer


def _store(deps: Deps, order: sms.Order, account_sid: str) -> Message:
    now = time.time()
    message = Message(
        id=f"SM{uuid4().hex}",
        channel=order.channel,
        sender=order.sender,
        recipient=order.recipient,
        subject="",
        state="queued",
        error_code=None,
        account_sid=account_sid,
        message_id=None,
        received_at=now,
        body=order.text.encode(),
    )
    arrives = order.recipient != sms.UNDELIVERED
    with transaction(deps.conn):
        messages.insert(deps.conn, message)
        for step, state in enumerate(("sent", "delivered" if arrives else "undelivered"), 1):
            due_at = now + step * deps.config.sandbox_notice_delay_seconds
            _report_later(deps, message, state, order.callback, due_at)
    return message


def _report_later(
    deps: Deps, message: Message, state: str, callback: str | None, due_at: float
) -> None:
    code = reports.UNREACHABLE if state == "undelivered" else None
    form = sms.callback_form(message, state, code)
    token = deps.config.sandbox_twilio_auth_token
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": sms.signature(token, callback or "", form),
    }
    notices.insert(
        deps.conn,
        message.id,
        state,
        url=callback,
        headers=json.dumps(headers),
        body=urlencode(form).encode(),
        due_at=due_at,
    )
    deps.noticed.set()


@routes.get(f"{ACCOUNT}/Messages/{{message:SM[0-9a-f]{{32}}}}.json")
async def get_message(request: web.Request) -> web.StreamResponse:
    if not _is_caller_known(request):
        return _refuse(sms.UNAUTHENTICATED)
    message = messages.find(wire.deps_of(request).conn, request.match_info["message"])
    if message is None or message.account_sid != request.match_info["sid"]:
        return _refuse(sms.UNKNOWN)
    return _answer(sms.view(message))


@routes.get(f"{ACCOUNT}/Messages.json")
async def list_messages(request: web.Request) -> web.StreamResponse:
    """Newest first. Filters `To`, and `DateSent` as `=`, `<=` or `>=` for a day in UTC."""
    if not _is_caller_known(request):
        return _refuse(sms.UNAUTHENTICATED)
    try:
        since, before = _days(request)
    except ValueError:
        return _refuse(sms.refused(20001, "DateSent is a day, YYYY-MM-DD"))
    wished = request.query.get("To", "")
    limit = wire.query_integer(request, "PageSize", DEFAULT_PAGE, most=MOST_PER_PAGE)
    channel = None if not wished else "whatsapp" if wished.startswith(sms.WHATSAPP) else "sms"
    rows = messages.latest(
        wire.deps_of(request).conn,
        recipient=wished.removeprefix(sms.WHATSAPP) or None,
        channel=channel,
        since=since,
        before=before,
        limit=MOST_PER_PAGE,
    )
    sid = request.match_info["sid"]
    ours = [row for row in rows if row.account_sid == sid][:limit]
    uri = str(request.rel_url).removeprefix("/twilio")
    return _answer(
        {
            "messages": [sms.view(row) for row in ours],
            "page": 0,
            "page_size": limit,
            "start": 0,
            "end": max(len(ours) - 1, 0),
            "uri": uri,
            "first_page_uri": uri,
            "next_page_uri": None,
            "previous_page_uri": None,
        }
    )


def _days(request: web.Request) -> tuple[float, float]:
    """From and until, in seconds since the epoch. Raises ValueError for an invalid day."""

    def start(name: str) -> datetime | None:
        text = request.query.get(name, "")[:10]
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if text else None

    exact = start("DateSent")
    first, last = exact or start("DateSent>"), exact or start("DateSent<")
    since = first.timestamp() if first else 0.0
    return since, (last + timedelta(days=1)).timestamp() if last else 1e12
