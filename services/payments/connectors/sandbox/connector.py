"""The simulated PSP over HTTP. Knows the transport; mapping.py interprets the answers."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import aiohttp

from libs import telemetry
from services.payments.connectors import signatures
from services.payments.connectors.base import (
    Asked,
    Authorisation,
    Credentials,
    InstrumentReady,
    InstrumentSetup,
    Notice,
    Operation,
    Settlements,
    SetupOutcome,
    WebhookMalformedError,
)
from services.payments.connectors.declines import declined
from services.payments.connectors.sandbox import mapping
from services.payments.connectors.sandbox.mapping import Json
from services.payments.connectors.transport import NOT_SENT, TIMEOUT, UNREADABLE
from services.payments.rules.outcomes import DeclineCode, Declined, NotFound, Outcome, Unknown

SIGNATURE_HEADER: Final = "sandbox-signature"
GONE: Final = (204, 404)
Read = TypeVar("Read")


class SandboxConnector:
    def __init__(
        self,
        credentials: Credentials,
        session: aiohttp.ClientSession,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        base = credentials["base_url"].rstrip("/")
        self._account = credentials["account"]
        self._api = f"{base}/psp/{quote(self._account, safe='')}"
        self._authorization = f"Bearer {credentials['secret_key']}"
        self._webhook_secret = credentials["webhook_secret"]
        self._public = credentials.get("public_url").rstrip("/") or base
        self._session = session
        self._timeout = timeout

    async def authorise(self, charge: Authorisation) -> Outcome:
        body = mapping.charge_request(charge)
        return await self._write("/charges", body, charge.key, mapping.authorisation_answer)

    async def capture(self, operation: Operation) -> Outcome:
        return await self._operate(operation, {"amount_minor": operation.amount_minor})

    async def cancel(self, operation: Operation) -> Outcome:
        return await self._operate(operation, {})

    async def refund(self, operation: Operation) -> Outcome:
        return await self._operate(operation, {"amount_minor": operation.amount_minor})

    async def look_up(self, asked: Asked) -> Outcome | NotFound:
        path = f"/operations/{quote(asked.key, safe='')}"
        found = await self._call("GET", path, mapping.look_up_answer)
        # For a charge, not reaching the PSP is a certain no; for a look-up it is no answer.
        return found if not isinstance(found, NotSent) else Unknown("the sandbox is unreachable")

    async def set_up_instrument(self, setup: InstrumentSetup) -> SetupOutcome:
        body = mapping.instrument_request(setup)
        ready = await self._write("/instruments", body, setup.key, mapping.instrument_answer)
        if not isinstance(ready, InstrumentReady) or not ready.next_action_url:
            return ready
        path = f"/operations/{quote(setup.key, safe='')}"
        by_now = await self._call("GET", path, mapping.instrument_by_now)
        return ready if isinstance(by_now, NotSent | Unknown) else by_now

    async def remove_instrument(self, token: str) -> bool:
        path = f"/instruments/{quote(token, safe='')}"
        gone = await self._call("DELETE", path, lambda status, _: status in GONE)
        return gone is True

    def parse_webhook(self, body: bytes, headers: Mapping[str, str], now: float) -> Notice:
        signatures.verify(body, headers.get(SIGNATURE_HEADER, ""), self._webhook_secret, now=now)
        try:
            return mapping.notice(json.loads(body))
        except UNREADABLE as error:
            raise WebhookMalformedError("not an event of the sandbox") from error

    async def settlements(self, cursor: str, *, since: datetime) -> Settlements | Unknown:
        """Reads from the start, whatever `since`: the list has only this account's lines."""
        path = f"/settlements?since={quote(cursor or '0', safe='')}&limit=1000"
        page = await self._call("GET", path, _settlements)
        return page if not isinstance(page, NotSent) else Unknown("the sandbox is unreachable")

    @property
    def field(self) -> tuple[str, str]:
        return self._account, f"{self._public}/psp/field.js"

    async def close(self) -> None:
        """The session belongs to its creator."""

    async def _operate(self, operation: Operation, body: Json) -> Outcome:
        charge = quote(operation.psp_reference, safe="")
        path = f"/charges/{charge}/{mapping.PATHS[operation.kind]}"
        return await self._write(path, body, operation.key, mapping.operation_answer)

    async def _write(
        self, path: str, body: Json, key: str, read: Callable[[int, Json], Read]
    ) -> Read | Declined | Unknown:
        answer = await self._call("POST", path, read, body=body, key=key)
        return answer if not isinstance(answer, NotSent) else declined(DeclineCode.PSP_UNAVAILABLE)

    async def _call(
        self,
        method: str,
        path: str,
        read: Callable[[int, Json], Read],
        *,
        body: Json | None = None,
        key: str = "",
    ) -> "Read | Unknown | NotSent":
        try:
            async with self._session.request(
                method,
                f"{self._api}{path}",
                json=body,
                headers=self._headers(key),
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                raw = await response.read()
                return read(response.status, _json_object(raw))
        except NOT_SENT:
            return NotSent()
        except TimeoutError:
            return Unknown("no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return Unknown(f"the connection broke: {type(error).__name__}")
        except UNREADABLE as error:
            return Unknown(f"an unreadable answer: {type(error).__name__}")

    def _headers(self, key: str) -> dict[str, str]:
        headers = {"Authorization": self._authorization}
        if key:
            headers["Idempotency-Key"] = key
        if traceparent := telemetry.traceparent():
            headers["traceparent"] = traceparent
        return headers


class NotSent:
    """The PSP never saw the request."""


def _json_object(raw: bytes) -> dict[str, Any]:
    """An answer without a body has no fields. Raises ValueError or TypeError for anything else."""
    found = json.loads(raw) if raw else {}
    if not isinstance(found, dict):
        raise TypeError("not an object")
    return found


def _settlements(status: int, body: Json) -> Settlements | Unknown:
    if status != mapping.OK:
        return Unknown(f"the settlements were answered {status}")
    return mapping.settlements(body)
