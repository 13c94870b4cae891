"""The only file that calls reporting: files of reports."""

from typing import Any, Final

import grpc

from incasso.reporting.v1 import reports_pb2
from incasso.reporting.v1.reports_pb2_grpc import ReportsServiceStub
from libs import client, deadlines, downloads
from libs.errors import RemoteRefusal
from libs.logs import log
from services.notify.messages.rules.attachments import MOST_BYTES, Attachment

# Final answers of DownloadReportRun, however often it is asked.
_NONE: Final = frozenset({"report_run_not_found", "report_not_ready", "report_file_expired"})


class Reports:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        stub: Any = ReportsServiceStub(channel)
        self._download = stub.DownloadReportRun

    async def file(self, run_id: str) -> Attachment | None:
        """None if it is too large for an e-mail, or gone. Raises Refusal."""
        request = reports_pb2.DownloadReportRunRequest(run_id=run_id)
        try:
            found = await client.download(self._download, request, timeout_seconds=deadlines.PAGE)
            async with downloads.closing(found.pieces):
                if found.size_bytes is None or found.size_bytes > MOST_BYTES:
                    return None
                content = b"".join([piece async for piece in found.pieces])
        except RemoteRefusal as refusal:
            if refusal.reason not in _NONE:
                raise
            log.warning("report is not available", report_run_id=run_id, reason=refusal.reason)
            return None
        return Attachment(found.name, content, found.media_type)
