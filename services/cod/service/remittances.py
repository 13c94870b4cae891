"""The gRPC servicer for remittances: one line per RPC."""

from typing import Final

from libs import servicer
from services.cod.errors import RemittanceNotFound
from services.cod.flows import ageing, remitting, resolving
from services.cod.store.remittances import LINES, REMITTANCES

CodRemittances: Final = servicer.of(
    "incasso.cod.v1.CodRemittancesService",
    UploadRemittance=remitting.upload_remittance,
    GetRemittance=servicer.Row(REMITTANCES, RemittanceNotFound),
    ListRemittances=servicer.Rows(REMITTANCES, "rem"),
    ListRemittanceLines=servicer.Rows(
        LINES,
        "rml",
        within=servicer.Row(REMITTANCES, RemittanceNotFound),
        columns={"remittance_id": "remittance_id"},
    ),
    CommitRemittance=remitting.commit_remittance,
    ResolveRemittanceLine=resolving.resolve_remittance_line,
    GetCodAgeing=ageing.ageing_of_couriers,
)
