"""Calls to the services as an operator: targets from the environment, refusals in plain words."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import Message

from cli import output
from incasso.cod.v1.cod_pb2_grpc import CodOffersServiceStub
from incasso.cod.v1.files_pb2_grpc import CodFilesServiceStub
from incasso.cod.v1.refunds_pb2_grpc import CodRefundsServiceStub
from incasso.cod.v1.remittances_pb2_grpc import CodRemittancesServiceStub
from incasso.instalments.v1.instalments_pb2_grpc import InstalmentOffersServiceStub
from incasso.instalments.v1.plans_pb2_grpc import InstalmentPlansServiceStub
from incasso.merchants.v1.members_pb2_grpc import MembersServiceStub
from incasso.merchants.v1.merchants_pb2_grpc import MerchantsServiceStub
from incasso.notify.v1.webhooks_pb2_grpc import WebhooksServiceStub
from incasso.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from incasso.reporting.v1.imports_pb2_grpc import ImportsServiceStub
from incasso.reporting.v1.kpis_pb2_grpc import KpisServiceStub
from incasso.reporting.v1.ledger_pb2_grpc import LedgerServiceStub
from incasso.reporting.v1.reconciliation_pb2_grpc import ReconciliationServiceStub
from incasso.reporting.v1.reports_pb2_grpc import ReportsServiceStub
from incasso.reporting.v1.surveys_pb2_grpc import SurveysServiceStub
from libs import client, context, deadlines, identity, services, settings, tls
from libs.errors import IdentityRefused, Refusal, ServiceUnavailable
from libs.identity import OPERATOR, Signer
from libs.settings import TlsSettings
from libs.uploads import Pieces
from libs.watched import FileError

KEY_FILE: Final = "INCASSO_IDENTITY_KEY_FILE"

NEXT_STEPS: Final = {
    "merchant_not_found": "`incasso merchants list` shows the merchants.",
    "merchant_missing": "Name the merchant with --merchant mer_…",
    "member_not_found": "`incasso members list --merchant mer_…` shows the merchant's members.",
    "member_exists": "`incasso members list --merchant mer_…` shows them; first `… remove` this one.",
    "last_owner": "`incasso members invite EMAIL --role owner` invites another owner first.",
    "console_not_set_up": "Set INCASSO_CONSOLE_URL of the merchants service to the console's public URL.",
    "api_key_not_found": "`incasso keys list --merchant mer_…` shows the merchant's keys.",
    "api_key_revoked": "`incasso keys create --merchant mer_…` makes a new one.",
    "cursor_invalid": "Leave --cursor out to start from the beginning.",
    "cod_refund_export_not_found": "`incasso cod refunds list --merchant mer_…` shows each refund's export_id.",
    "no_cod_refunds_ready": "`incasso cod refunds list --merchant mer_… --state requested` shows the"
    " refunds that still wait for a bank account.",
    "courier_not_found": "`incasso cod couriers --merchant mer_…` shows the merchant's couriers.",
    "remittance_not_found": "`incasso cod remittances list` shows the merchant's remittances.",
    "remittance_line_not_found": "`incasso cod remittances lines rem_…` shows its lines.",
    "remittance_columns_missing": "Set the courier's remittance_columns: they describe the columns of"
    " its files.",
    "plan_not_found": "`incasso plan list --merchant mer_…` shows the merchant's plans.",
    "quote_not_found": "Check the id, and that --merchant is the one who made the quote.",
    "payment_not_found": "Check the id, and that --merchant is the one who took the payment.",
    "attempt_not_found": "`incasso payments unresolved` lists the ids and their merchants.",
    "attempt_not_unresolved": "Recovery is still trying, or the outcome is known:"
    " see `incasso payments show`.",
    "attempt_settled_otherwise": "`incasso payments actions` shows who settled it, and how.",
    "psp_account_exists": "`incasso psp-accounts list --merchant mer_…` shows the merchant's accounts.",
    "psp_unknown": "Use --psp sandbox or --psp stripe.",
    "credentials_missing": "Put <name>.json into the payments service's"
    " INCASSO_PSP_CREDENTIALS_DIR, then retry.",
    "exception_not_found": "`incasso reconciliation exceptions --merchant mer_…` lists them.",
    "exception_resolved": "`incasso reconciliation show exc_…` shows how; `… audit` shows by whom.",
    "exception_not_resolvable_so": "Its item is already matched: use --as dismissed.",
    "item_not_open": "`incasso reconciliation show exc_…` suggests open items.",
    "amounts_differ": "Add --part ACCOUNT=AMOUNT for the rest, with --as split.",
    "period_not_over": "`incasso ledger periods` shows the months, and which are closed.",
    "report_not_found": "`incasso reports list` shows the reports.",
    "report_runs_pending": "`incasso reports runs` shows the runs in progress.",
    "report_schedule_not_found": "`incasso reports schedules` shows the schedules.",
    "internal_error": "Search the service's log for the trace id.",
}


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    stub: Callable[[Any], Any]

    @property
    def variable(self) -> str:
        return services.named(self.name).target_variable

    def target(self) -> str:
        """Where the service listens; ends the command with a hint if it is not configured."""
        target = os.environ.get(self.variable, "")
        if not target:
            output.fail(
                f"{self.variable} is not set: the command does not know where {self.name} listens.",
                next_step=f"export {self.variable}=127.0.0.1:8090 (host:port, or a gRPC target).",
                code=output.NOT_CONFIGURED,
            )
        return target


COD_FILES: Final = Service("cod", CodFilesServiceStub)
COD_OFFERS: Final = Service("cod", CodOffersServiceStub)
COD_REFUNDS: Final = Service("cod", CodRefundsServiceStub)
COD_REMITTANCES: Final = Service("cod", CodRemittancesServiceStub)
INSTALMENT_OFFERS: Final = Service("instalments", InstalmentOffersServiceStub)
INSTALMENT_PLANS: Final = Service("instalments", InstalmentPlansServiceStub)
IMPORTS: Final = Service("reporting", ImportsServiceStub)
KPIS: Final = Service("reporting", KpisServiceStub)
LEDGER: Final = Service("reporting", LedgerServiceStub)
RECONCILIATION: Final = Service("reporting", ReconciliationServiceStub)
REPORTS: Final = Service("reporting", ReportsServiceStub)
MEMBERS: Final = Service("merchants", MembersServiceStub)
MERCHANTS: Final = Service("merchants", MerchantsServiceStub)
PAYMENTS: Final = Service("payments", PaymentsServiceStub)
SURVEYS: Final = Service("reporting", SurveysServiceStub)
WEBHOOKS: Final = Service("notify", WebhooksServiceStub)


def ask(
    service: Service, request: Message, *, merchant_id: str = "", idempotency_key: str = ""
) -> Any:
    """The service's answer to a request; a refusal ends the command."""
    target = service.target()
    key = idempotency_key
    work = partial(_ask, service, target, request, merchant_id=merchant_id, key=key)
    return _answered(service, target, request, work, key=key)


def upload(
    service: Service, request: Message, pieces: Pieces, *, merchant_id: str, unless: str
) -> Any:
    """The same for a file, which is safe to send again. Raises a refusal whose reason is `unless`."""
    target = service.target()
    work = partial(_upload, service, target, request, pieces, merchant_id=merchant_id)
    return _answered(service, target, request, work, unless=unless)


def download(service: Service, request: Message, into: Path, *, merchant_id: str) -> None:
    """Writes the answer to a file; a truncated download leaves none. Raises OSError."""
    target = service.target()
    work = partial(_download, service, target, request, into, merchant_id=merchant_id)
    _answered(service, target, request, work)


def _answered(
    service: Service,
    target: str,
    request: Message,
    work: Callable[[], Coroutine[Any, Any, Any]],
    *,
    key: str = "",
    unless: str = "",
) -> Any:
    secure()
    try:
        with identity.acting_as(operator()):
            return asyncio.run(work())
    except IdentityRefused:
        output.fail(
            f"{service.name} at {target} does not know the operators' key.",
            next_step=f"Its trust folder needs the public key of {KEY_FILE} as operator.pub.",
            code=output.NOT_CONFIGURED,
        )
    except ServiceUnavailable:
        next_step = "Is it running? Check with `incasso health`."
        if key:
            next_step += f" Retry with --key {key}: it takes effect only once."
        elif unless:
            next_step += " Send it again: a file is imported only once."
        elif not client.is_safe(_rpc_of(request)):
            next_step += " It may have taken effect: check before you retry."
        output.fail(
            f"{service.name} at {target} gave no answer.",
            next_step=next_step,
            code=output.NO_ANSWER,
        )
    except Refusal as refusal:
        if unless and refusal.reason == unless:
            raise
        wrong = "".join(f" {found.field}: {found.description}." for found in refusal.violations)
        output.fail(
            f"{refusal.message}{wrong}",
            reason=refusal.reason,
            next_step=NEXT_STEPS.get(refusal.reason, ""),
        )


def _rpc_of(request: Message) -> str:
    return str(request.DESCRIPTOR.name.removesuffix("Request"))


def secure() -> None:
    """Sets up TLS from the environment; ends the command with a hint if its files are invalid."""
    try:
        tls.set_up(settings.load(TlsSettings).tls())
    except (FileError, OSError) as error:
        output.fail(
            f"TLS: {error}",
            next_step="Check INCASSO_TLS_CERTIFICATE_FILE, …_KEY_FILE and …_CA_FILE.",
            code=output.NOT_CONFIGURED,
        )


def operator() -> Signer:
    """The command's own key; ends the command with a hint if there is none."""
    file = os.environ.get(KEY_FILE, "")
    try:
        return Signer(OPERATOR, Path(file))
    except (FileError, OSError) as error:
        output.fail(
            f"{KEY_FILE}: {error}"
            if file
            else f"{KEY_FILE} is not set: the command has no identity.",
            next_step=f"export {KEY_FILE}=… (the operators' Ed25519 private key, PEM).",
            code=output.NOT_CONFIGURED,
        )


async def _ask(
    service: Service, target: str, request: Message, *, merchant_id: str, key: str
) -> Any:
    context.set_current(context.Call(merchant_id=merchant_id, actor=OPERATOR))
    async with client.channel(target) as channel:
        method = getattr(service.stub(channel), _rpc_of(request))
        return await client.call(
            method, request, timeout_seconds=deadlines.CALL, idempotency_key=key
        )


async def _upload(
    service: Service, target: str, request: Message, pieces: Pieces, *, merchant_id: str
) -> Any:
    context.set_current(context.Call(merchant_id=merchant_id, actor=OPERATOR))
    async with client.channel(target) as channel:
        method = getattr(service.stub(channel), _rpc_of(request))
        return await client.upload(method, request, pieces, timeout_seconds=deadlines.UPLOAD)


async def _download(
    service: Service, target: str, request: Message, into: Path, *, merchant_id: str
) -> None:
    context.set_current(context.Call(merchant_id=merchant_id, actor=OPERATOR))
    async with client.channel(target) as channel:
        method = getattr(service.stub(channel), _rpc_of(request))
        found = await client.download(method, request, timeout_seconds=deadlines.DOWNLOAD)
        with output.complete(into) as file:
            async for piece in found.pieces:
                file.write(piece)
