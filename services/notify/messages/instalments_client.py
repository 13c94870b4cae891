"""The only file that calls instalments: URLs of plans' pages, and documents of plans."""

from base64 import b64decode
from typing import Any, Final

import grpc

from incasso.instalments.v1 import pages_pb2 as pb
from incasso.instalments.v1 import plans_pb2
from incasso.instalments.v1.pages_pb2_grpc import InstalmentPagesServiceStub
from incasso.instalments.v1.plans_pb2_grpc import InstalmentPlansServiceStub
from libs import client, deadlines, wire
from libs.errors import RemoteRefusal
from libs.logs import log
from services.notify.messages.rules.attachments import Document

_KINDS: Final = wire.numbers(Document, plans_pb2.InstalmentDocument.Kind)
# Final answers of GetInstalmentDocument, however often it is asked.
_NONE: Final = frozenset(
    {
        "plan_not_found",
        "plan_closed",
        "plan_in_review",
        "plan_of_partner",
        "creditor_details_missing",
        "not_withdrawn",
    }
)


class Plans:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        stub: Any = InstalmentPagesServiceStub(channel)
        self._address = stub.GetInstalmentPlanAddress
        stub = InstalmentPlansServiceStub(channel)
        self._document = stub.GetInstalmentDocument

    async def address(self, plan_id: str) -> str:
        """Raises Refusal."""
        answer: pb.GetInstalmentPlanAddressResponse = await client.call(
            self._address,
            pb.GetInstalmentPlanAddressRequest(plan_id=plan_id),
            timeout_seconds=deadlines.READ,
        )
        return answer.url

    async def document(self, plan_id: str, kind: Document) -> bytes | None:
        """The PDF as delivered; None if there is none. Raises Refusal."""
        request = plans_pb2.GetInstalmentDocumentRequest(plan_id=plan_id, kind=_KINDS[kind])
        try:
            answer: plans_pb2.GetInstalmentDocumentResponse = await client.call(
                self._document, request, timeout_seconds=deadlines.PAGE
            )
        except RemoteRefusal as refusal:
            if refusal.reason not in _NONE:
                raise
            log.warning("document is not available", plan_id=plan_id, reason=refusal.reason)
            return None
        return b64decode(answer.document.content)
