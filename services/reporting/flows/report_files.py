"""Report files, sent piece by piece: a slow reader holds no database connection."""

from collections.abc import AsyncIterator

from libs import context
from libs.downloads import Download
from libs.errors import required
from services.reporting.deps import Deps
from services.reporting.errors import ReportFileExpired, ReportNotReady, ReportRunNotFound
from services.reporting.rules.report_runs import ReportRun, RunState
from services.reporting.store import report_runs as store
from services.reporting.store.report_runs import RUNS


async def download_run(deps: Deps, run_id: str) -> Download:
    """Raises ReportRunNotFound, ReportNotReady, ReportFileExpired."""
    found = await deps.db.run(RUNS.get, context.merchant_id(), run_id)
    run = required(found, ReportRunNotFound)
    if run.state is RunState.EXPIRED:
        raise ReportFileExpired
    if run.state is not RunState.DONE:
        raise ReportNotReady
    pieces = _pieces(deps, run)
    return Download(run.file_name, run.format.media_type, pieces, run.size_bytes)


async def _pieces(deps: Deps, run: ReportRun) -> AsyncIterator[bytes]:
    """Raises ReportFileExpired if the file is deleted during the download."""
    sent = number = 0
    while sent < run.size_bytes:
        data = required(await deps.db.run(store.piece, run, number), ReportFileExpired)
        yield data
        sent += len(data)
        number += 1
