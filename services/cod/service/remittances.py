"""The gRPC servicer for remittances: one line per RPC."""

from typing import Final

from libs import door
from services.cod.errors import RemittanceNotFound
from services.cod.flows import ageing, remitting, resolving
from services.cod.store.remittances import LINES, REMITTANCES

CodRemittances: Final = door.of(
    "incasso.cod.v1.CodRemittancesService",
    UploadRemittance=remitting.upload_remittance,
    GetRemittance=door.Row(REMITTANCES, RemittanceNotFound),
    ListRemittances=door.Rows(REMITTANCES, "rem"),
    ListRemittanceLines=door.Rows(
        LINES,
        "rml",
        within=door.Row(REMITTANCES, RemittanceNotFound),
        columns={"remittance_id": "remittance_id"},
    ),
    CommitRemittance=remitting.commit_remittance,
    ResolveRemittanceLine=resolving.resolve_remittance_line,
    GetCodAgeing=ageing.ageing_of_couriers,
)
