"""The parts of the console's paths, in its tests."""

from tests.services.console import cod_samples, report_samples, samples
from tests.services.console.plan_samples import PLAN_ID
from tests.services.console.view_samples import VIEW_ID

PATHS = {
    **samples.PATHS,
    "plan_id": PLAN_ID,
    "kind": "agreement",
    "cod_order_id": cod_samples.ORDER_ID,
    "remittance_id": cod_samples.REMITTANCE_ID,
    "line_id": cod_samples.LINE_ID,
    "refund_id": cod_samples.REFUND_ID,
    "export_id": cod_samples.EXPORT_ID,
    "event_id": cod_samples.EVENT_ID,
    "report": report_samples.REPORT,
    "run_id": report_samples.RUN_ID,
    "schedule_id": report_samples.SCHEDULE_ID,
    "view_id": VIEW_ID,
    "import_id": report_samples.IMPORT_ID,
    "content_hash": report_samples.CONTENT_HASH,
}
