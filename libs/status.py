"""Refusals on the wire: google.rpc.Status with ErrorInfo (reason, facts) and BadRequest (fields).

Decides nothing: a refusal goes in on one side and comes out on the other.
"""

from typing import Final

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from libs.errors import FieldViolation, Kind, OutcomeUnknown, Refusal, RemoteRefusal

DOMAIN: Final = "incasso"
DETAILS: Final = "grpc-status-details-bin"
_BY_CODE: Final = {kind.grpc_code: kind for kind in Kind}


def details_of(refusal: Refusal) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata that carries the refusal."""
    status = status_pb2.Status(
        code=code_pb2.Code.Value(refusal.kind.grpc_code.name), message=refusal.message
    )
    info = error_details_pb2.ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=refusal.facts)
    status.details.add().Pack(info)
    if refusal.violations:
        bad = error_details_pb2.BadRequest()
        for violation in refusal.violations:
            bad.field_violations.add(field=violation.field, description=violation.description)
        status.details.add().Pack(bad)
    return ((DETAILS, status.SerializeToString()),)


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """The refusal returned by another service, or OutcomeUnknown if it gave no answer."""
    kind = _BY_CODE.get(error.code())
    packed = dict(error.trailing_metadata() or ()).get(DETAILS)
    if kind is None or not isinstance(packed, bytes):
        return OutcomeUnknown()
    status = status_pb2.Status.FromString(packed)
    info = error_details_pb2.ErrorInfo()
    violations: list[FieldViolation] = []
    for detail in status.details:
        violations += _unpack(detail, info)
    if info.domain != DOMAIN:
        return OutcomeUnknown()
    return RemoteRefusal(kind, info.reason, status.message, violations, dict(info.metadata))


def _unpack(detail: any_pb2.Any, info: error_details_pb2.ErrorInfo) -> list[FieldViolation]:
    if detail.Unpack(info):
        return []
    bad = error_details_pb2.BadRequest()
    detail.Unpack(bad)
    return [FieldViolation(v.field, v.description) for v in bad.field_violations]
