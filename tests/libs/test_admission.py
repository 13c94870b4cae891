"""Every RPC of the contracts, tried by all callers: admission lets only the allowed ones through."""

import time
from collections.abc import AsyncIterator
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from libs import client, descriptors, identity
from libs.admission import Admission
from libs.context import Call
from libs.errors import (
    CallerNotAllowed,
    CallerUnknown,
    PublishableKeyNotAllowed,
    Refusal,
    ScopeMissing,
)
from libs.identity import CALLER, GATEWAY, OPERATOR, PRINCIPAL, VOUCHING, Signer, Trust
from libs.server import Server
from libs.services import CALLERS
from libs.status import refusal_of
from libs.tasks import Tasks
from stack.keys import Keys
from tests.contracts import RPCS, adder, every_rpc
from tests.libs.test_identity import altered
from tests.waiting import HANGING_SECONDS

AT_THE_DOOR = {
    refusal.reason
    for refusal in (CallerUnknown, CallerNotAllowed, ScopeMissing, PublishableKeyNotAllowed)
}
KEY = Call(merchant_id="mer_1", actor="key_1")


def add(owner: ServiceDescriptor, server: grpc.aio.Server) -> None:
    """Adds a servicer that answers every RPC with an empty message, if validation passes."""

    def answering(rpc: MethodDescriptor):
        answer = message_factory.GetMessageClass(rpc.output_type)

        async def answered(request, _):
            return answer()

        return answered

    servicer = SimpleNamespace(**{rpc.name: answering(rpc) for rpc in owner.methods})
    adder(owner)(servicer, server)


class Everything:
    """Every service of the contracts behind one port, and the keys of all callers."""

    def __init__(self, keys: Keys, channel: grpc.aio.Channel, trust: Trust) -> None:
        self.keys, self.trust = keys, trust
        self.channel = channel
        self.signers = {name: Signer(name, keys.private(name)) for name in CALLERS}

    async def tried(self, rpc: MethodDescriptor, *metadata: tuple[str, str]) -> str:
        """The reason for which admission refused the call; empty if it let the call through."""
        call = self.channel.unary_unary(
            path(rpc),
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(rpc.output_type).FromString,
        )
        request = message_factory.GetMessageClass(rpc.input_type)()
        try:
            await call(request, metadata=metadata, timeout=HANGING_SECONDS)
        except grpc.aio.AioRpcError as error:
            reason = refusal_of(error).reason
            return reason if reason in AT_THE_DOOR else ""
        return ""

    def as_caller(self, service: str, rpc: MethodDescriptor) -> tuple[str, str]:
        return CALLER, self.signers[service].caller(path(rpc))

    def as_key(self, *scopes: str, publishable: bool = False, by: str = GATEWAY) -> tuple[str, str]:
        call = Call("mer_1", "key_1", scopes=frozenset(scopes), publishable=publishable)
        return PRINCIPAL, self.signers[by].principal(call)

    def with_right_key(self, rpc: MethodDescriptor) -> tuple[str, str]:
        return self.as_key(descriptors.rules_of(rpc).scope)


def path(rpc: MethodDescriptor) -> str:
    return f"/{rpc.containing_service.full_name}/{rpc.name}"


def callers(rpc: MethodDescriptor) -> list[str]:
    return list(descriptors.rules_of(rpc).callers)


@pytest.fixture(scope="module")
async def everything(tmp_path_factory) -> AsyncIterator[Everything]:
    keys = Keys(tmp_path_factory.mktemp("keys"))
    keys.ensure(CALLERS)
    before = identity._Process.signer, identity._Process.trust
    trust = Trust(keys.trust)
    identity.set_up(Signer(GATEWAY, keys.private(GATEWAY)), trust)
    owners = list(descriptors.all_services())
    servicers = [(lambda _, server, owner=owner: add(owner, server), None) for owner in owners]
    server = Server(servicers, [owner.full_name for owner in owners], Tasks())
    identity.set_up(*before)
    channel = client.channel(f"127.0.0.1:{await server.start('127.0.0.1:0')}")
    yield Everything(keys, channel, trust)
    await channel.close()
    await server.stop(0)


@every_rpc
async def test_allowed_callers_are_admitted(everything: Everything, rpc):
    for caller in callers(rpc):
        key = everything.with_right_key(rpc)
        assert await everything.tried(rpc, everything.as_caller(caller, rpc), key) == ""


@every_rpc
async def test_services_and_operators_are_admitted_on_their_own_behalf(everything: Everything, rpc):
    for caller in set(callers(rpc)) - VOUCHING:
        own = everything.signers[caller].metadata(path(rpc), Call(merchant_id="mer_1"))
        assert await everything.tried(rpc, *own) == ""


@every_rpc
async def test_a_call_without_an_identity_is_refused(everything: Everything, rpc):
    assert await everything.tried(rpc) == CallerUnknown.reason
    key = everything.with_right_key(rpc)
    assert await everything.tried(rpc, key) == CallerUnknown.reason
    plain = (("incasso-merchant-id", "mer_1"), ("incasso-actor", "operator"))
    assert await everything.tried(rpc, *plain) == CallerUnknown.reason


@every_rpc
async def test_other_services_are_refused(everything: Everything, rpc):
    """Tries one of them with a real call, and all against Admission: thousands of calls would show no more."""
    key = everything.with_right_key(rpc)
    admission = Admission(path(rpc), descriptors.rules_of(rpc), everything.trust)
    proofs = [everything.as_caller(other, rpc) for other in CALLERS if other not in callers(rpc)]
    for proof in proofs:
        with pytest.raises(CallerNotAllowed):
            admission.admit(dict((proof, key)))
    for proof in proofs[:1]:
        assert await everything.tried(rpc, proof, key) == CallerNotAllowed.reason


@every_rpc
async def test_expired_altered_and_misused_caller_tokens_are_refused(everything: Everything, rpc):
    caller, key = callers(rpc)[0], everything.with_right_key(rpc)
    old = Signer(caller, everything.keys.private(caller), now=lambda: time.time() - 66)
    another = next(other for other in RPCS if other is not rpc and caller in callers(other))
    for token in (
        old.caller(path(rpc)),
        altered(everything.as_caller(caller, rpc)[1]),
        everything.as_caller(caller, another)[1],
        everything.with_right_key(rpc)[1],
    ):
        assert await everything.tried(rpc, (CALLER, token), key) == CallerUnknown.reason


@every_rpc
async def test_foreign_forged_and_expired_principals_are_refused(everything: Everything, rpc):
    for caller in callers(rpc):
        proof = everything.as_caller(caller, rpc)
        stranger = next(name for name in ("merchants", "notify") if name != caller)
        foreign = everything.signers[stranger].principal(KEY)
        refused = await everything.tried(rpc, proof, (PRINCIPAL, foreign))
        assert refused == CallerNotAllowed.reason
        forged = altered(everything.with_right_key(rpc)[1])
        assert await everything.tried(rpc, proof, (PRINCIPAL, forged)) == CallerUnknown.reason
        old = Signer(GATEWAY, everything.keys.private(GATEWAY), now=lambda: time.time() - 66)
        late = (PRINCIPAL, old.principal(KEY))
        assert await everything.tried(rpc, proof, late) == CallerUnknown.reason


@every_rpc
async def test_a_key_and_a_member_must_hold_the_scope(everything: Everything, rpc):
    scope = descriptors.rules_of(rpc).scope
    for caller in VOUCHING & set(callers(rpc)) if scope else ():
        proof = everything.as_caller(caller, rpc)
        assert await everything.tried(rpc, proof) == ScopeMissing.reason
        other = everything.as_key("nothing:read", f"{scope}x", by=caller)
        assert await everything.tried(rpc, proof, other) == ScopeMissing.reason
        assert await everything.tried(rpc, proof, everything.as_key("*", by=caller)) == ""


@every_rpc
async def test_a_publishable_key_is_admitted_only_where_allowed(everything: Everything, rpc):
    if GATEWAY not in callers(rpc):
        return
    proof, key = everything.as_caller(GATEWAY, rpc), everything.as_key(publishable=True)
    allowed = descriptors.rules_of(rpc).publishable
    refused = await everything.tried(rpc, proof, key)
    assert refused == ("" if allowed else PublishableKeyNotAllowed.reason)


async def test_grpc_reflection_is_off(everything: Everything):
    """Reflection is off; health checks are open."""
    call = everything.channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(iter(()), timeout=HANGING_SECONDS).read()
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_caller_with_an_unknown_key_gets_an_unknown_outcome(
    everything: Everything, tmp_path
):
    """A configuration error is no refusal: nothing was done, and the call is retried."""
    other = Keys(tmp_path)
    other.ensure((OPERATOR,))
    rpc = next(rpc for rpc in RPCS if rpc.name == "ListMerchants")
    stub = everything.channel.unary_unary(
        path(rpc),
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(rpc.output_type).FromString,
    )
    request = message_factory.GetMessageClass(rpc.input_type)()
    stranger = Signer(OPERATOR, other.private(OPERATOR))
    with identity.acting_as(stranger), pytest.raises(Refusal) as caught:
        await client.call(stub, request, timeout_seconds=0.2)
    assert caught.value.reason == "outcome_unknown"
