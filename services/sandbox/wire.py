"""HTTP in and out: authentication, request bodies, JSON answers. No rules."""

import hashlib
import hmac
import json
import re
from typing import Any

from aiohttp import web

from services.sandbox import errors, planting
from services.sandbox.deps import DEPS, Deps

ACCOUNT = r"{account:[a-z0-9][a-z0-9_-]{0,63}}"
KEY_PATTERN = re.compile(r"[\x21-\x7e]{1,255}")
DEFAULT_PAGE, MOST_PER_PAGE = 100, 1000


def deps_of(request: web.Request) -> Deps:
    return request.app[DEPS]


def base_url(request: web.Request) -> str:
    configured = deps_of(request).config.sandbox_public_url
    return configured.rstrip("/") if configured else f"{request.scheme}://{request.host}"


def json_text(text: str, *, status: int = 200, replayed: bool = False) -> web.Response:
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)


def json_answer(body: Any, *, status: int = 200) -> web.Response:
    return json_text(json.dumps(body, separators=(",", ":")), status=status)


def refusal_answer(error: errors.SandboxError) -> web.Response:
    return json_answer(error.body(), status=error.status)


def authenticated_account(request: web.Request) -> str:
    """The account in the path, if the caller has its key."""
    account = request.match_info["account"]
    expected = f"Bearer sandbox_sk_{account}".encode()
    given = request.headers.get("Authorization", "").encode(errors="replace")
    if not hmac.compare_digest(expected, given):
        raise errors.UnauthorisedError("send Authorization: Bearer sandbox_sk_<account>")
    return account


def idempotency_key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "").strip().strip('"')
    if not KEY_PATTERN.fullmatch(key):
        raise errors.IdempotencyKeyMissingError("send an Idempotency-Key of 1 to 255 characters")
    return key


async def json_object(request: web.Request) -> dict[str, Any]:
    """An empty body counts as an empty object."""
    raw = await request.read()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise errors.MalformedBodyError("the body is not JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise errors.MalformedBodyError("the body is not a JSON object")
    return body


def body_hash(kind: str, subject: str, body: dict[str, Any]) -> bytes:
    canonical = json.dumps([kind, subject, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).digest()


def query_integer(request: web.Request, name: str, default: int, *, most: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text[:20]) > most:
        raise errors.InvalidRequestError(f"an integer from 0 to {most}", field=name)
    return int(text)


def page_limit(request: web.Request) -> int:
    return query_integer(request, "limit", DEFAULT_PAGE, most=MOST_PER_PAGE) or DEFAULT_PAGE


def query_choice(request: web.Request, name: str, choices: tuple[str, ...]) -> str:
    """The query's value; the first choice if it has none."""
    chosen = request.query.get(name) or choices[0]
    if chosen not in choices:
        raise errors.InvalidRequestError(f"one of {', '.join(choices)}", field=name)
    return chosen


def query_mistakes(request: web.Request) -> dict[str, int]:
    return {
        kind: query_integer(request, kind, 0, most=planting.MOST_OF_A_KIND)
        for kind in planting.KINDS
    }
