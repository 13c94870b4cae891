"""Calls to the services for a signed-in member: within the scopes of their role, and into the audit log.

For a changing call, the intent is recorded in the audit log, the call made, and its outcome
recorded. If the intent cannot be recorded, the call is not made; if the outcome is unknown or
cannot be recorded, the log says that it is unknown. The call continues if the browser disconnects.
Sensitive reads are recorded in the same way.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from incasso.merchants.v1 import audit_pb2
from libs import client, deadlines, descriptors, json_out
from libs.downloads import Download
from libs.errors import IdempotencyKeyInUse, Kind, OutcomeUnknown, Refusal
from libs.logs import log
from libs.tasks import Tasks
from libs.upstreams import Upstreams
from services.console.errors import RoleTooLow
from services.console.page import Page, action_of, is_audited, only_reads
from services.console.session import SignedIn

T = TypeVar("T")
MAX_AUDITED: Final = 20_000  # characters of a request
# A refusal of these kinds proves nothing: the change may have been made. Neither does IdempotencyKeyInUse: the first
# call with the key is still in progress, e.g. after a restart of the console.
_OUTAGES: Final = frozenset({Kind.UNAVAILABLE, Kind.INTERNAL})
_SECRET: Final = frozenset({"secret", "password", "picture", "token", "file"})
_SHORTENED: Final = frozenset({"iban"})  # recognisable, but not usable
_ENDS: Final = 4  # characters kept at either end


@dataclass(frozen=True, slots=True)
class Edge:
    """What all calls share."""

    upstreams: Upstreams
    tasks: Tasks


@dataclass(frozen=True, slots=True)
class Intent:
    """What the audit log records about a change besides its request; and the file to upload."""

    subject: str = ""
    before: Message | None = None
    file: bytes | None = None


class Calls:
    """The calls of one page, for one signed-in person. `address`: their IP address."""

    def __init__(self, edge: Edge, page: Page, who: SignedIn, *, address: str) -> None:
        self._edge = edge
        self._page = page
        self._who = who
        self.address = address

    def may(self, message: type[Message]) -> bool:
        """Whether the person's role allows the call with this request."""
        return self._who.holds(descriptors.rules_of(self._rpc(message.DESCRIPTOR.full_name)).scope)

    async def ask(self, message: Message) -> Any:
        """The answer to a call that only reads. Raises Refusal."""
        rpc = self._allowed(message)
        assert only_reads(rpc), f"{rpc.name} changes something"
        return await self._call(rpc, message, "")

    async def download(self, message: Message) -> Download:
        """The file that a call sends. Raises Refusal."""
        return await self._edge.upstreams.download(self._allowed(message))(message)

    async def change(self, message: Message, *, key: str, about: Intent | None = None) -> Any:
        """The answer to a call that changes something; `key` makes it safe to repeat. Raises
        Refusal, and OutcomeUnknown if the outcome is unknown.
        """
        rpc = self._allowed(message)
        work = self._audited if is_audited(rpc) else self._changed
        return await self._edge.tasks.finish(work(rpc, message, key, about or Intent()))

    async def recorded(self, action: str, subject: str, read: Callable[[], Awaitable[T]]) -> T:
        """The result of `read`, with an entry in the audit log that it was read; without an entry,
        nothing is read.
        """

        async def announced() -> T:
            about = Intent(subject)
            entry_id = await self._announce(action, None, f"read-{uuid.uuid4()}", about)
            try:
                found = await read()
            except Refusal as refusal:
                await self._record(entry_id, refused=refusal.reason)
                raise
            await self._record(entry_id, subject=subject)
            return found

        return await self._edge.tasks.finish(announced())

    def _allowed(self, message: Message) -> MethodDescriptor:
        rpc = self._rpc(message.DESCRIPTOR.full_name)
        if not self._who.holds(descriptors.rules_of(rpc).scope):
            raise RoleTooLow
        return rpc

    def _rpc(self, request: str) -> MethodDescriptor:
        found = self._page.rpcs.get(request)
        if found is None:
            raise RuntimeError(f"{self._page.path} does not say that it calls {request}")
        return found

    async def _changed(
        self, rpc: MethodDescriptor, message: Message, key: str, about: Intent
    ) -> Any:
        if about.file is not None:
            return await self._edge.upstreams.upload(rpc)(message, _pieces(about.file))
        return await self._call(rpc, message, key)

    async def _audited(
        self, rpc: MethodDescriptor, message: Message, key: str, about: Intent
    ) -> Any:
        entry_id = await self._announce(action_of(rpc), message, key, about)
        try:
            answer = await self._changed(rpc, message, key, about)
        except Refusal as refusal:
            if _proves_nothing(refusal):  # an entry without an outcome says so
                raise OutcomeUnknown from refusal
            await self._record(entry_id, refused=refusal.reason)
            raise
        await self._record(entry_id, subject=about.subject or _id_in(answer))
        return answer

    async def _announce(self, action: str, message: Message | None, key: str, about: Intent) -> str:
        intent = audit_pb2.RecordIntentRequest(
            action=action,
            subject_id=about.subject,
            before=_as_json(about.before),
            after=_as_json(message),
            session_id=self._who.session.id,
            address=self.address,
        )
        method = self._edge.upstreams.method("merchants", "RecordIntent")
        answer = await client.call(
            method, intent, timeout_seconds=deadlines.READ, idempotency_key=f"audit-{key}"
        )
        return str(answer.entry_id)

    async def _record(self, entry_id: str, *, refused: str = "", subject: str = "") -> None:
        outcome = audit_pb2.AuditEntry
        done = audit_pb2.RecordOutcomeRequest(
            entry_id=entry_id,
            outcome=outcome.OUTCOME_REFUSED if refused else outcome.OUTCOME_DONE,
            reason=refused or None,
            subject_id=subject or None,
        )
        method = self._edge.upstreams.method("merchants", "RecordOutcome")
        try:
            await client.call(method, done, timeout_seconds=deadlines.READ)
        except Refusal as refusal:
            log.error(
                "an outcome is not in the audit log",
                audit_entry_id=entry_id,
                reason=refusal.reason,
            )

    async def _call(self, rpc: MethodDescriptor, message: Message, key: str) -> Any:
        timeout_seconds = deadlines.PAGE if client.is_safe(rpc.name) else deadlines.CALL
        return await client.call(
            self._edge.upstreams.unary(rpc),
            message,
            timeout_seconds=timeout_seconds,
            idempotency_key=key,
        )


def _proves_nothing(refusal: Refusal) -> bool:
    return refusal.kind in _OUTAGES or refusal.reason == IdempotencyKeyInUse.reason


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _as_json(message: Message | None) -> str:
    """Values as the API would show them, without secrets, and with accounts shortened."""
    if message is None:
        return ""
    text = json_out.dump(_open(json_out.plain(message))).decode()
    return text if len(text) <= MAX_AUDITED else json_out.dump({"omitted": "too long"}).decode()


def _open(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _ends(str(one)) if name in _SHORTENED else _open(one)
            for name, one in value.items()
            if name not in _SECRET
        }
    return [_open(one) for one in value] if isinstance(value, list) else value


def _ends(text: str) -> str:
    return f"{text[:_ENDS]}…{text[-_ENDS:]}" if len(text) > 3 * _ENDS else "…"


def _id_in(answer: Message) -> str:
    """The id of the object in an answer, if it has one."""
    for _, value in answer.ListFields():
        if isinstance(value, Message) and "id" in value.DESCRIPTOR.fields_by_name:
            return str(getattr(value, "id", ""))
    return ""
