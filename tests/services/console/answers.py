"""The answers of the services behind the console in its tests, by RPC."""

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from incasso.common.v1 import merchant_pb2
from incasso.merchants.v1 import audit_pb2, members_pb2, merchants_pb2, sessions_pb2
from incasso.notify.v1 import messages_pb2
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import payments_pb2
from incasso.reporting.v1 import imports_pb2, ledger_pb2, reconciliation_pb2
from tests.services.console.cod_samples import of_cod
from tests.services.console.method_samples import of_methods
from tests.services.console.plan_samples import of_instalments
from tests.services.console.report_samples import of_reports
from tests.services.console.sales_samples import kpis
from tests.services.console.samples import (
    MEMBER_ID,
    MEMBERSHIP,
    MERCHANT_ID,
    audited,
    authenticated,
    consent,
    entry,
    exception,
    link,
    member,
    message,
    payment,
    session,
    stamp,
    trail,
)
from tests.services.console.settings_samples import of_settings
from tests.services.console.shop_samples import of_shop
from tests.services.console.view_samples import listed_views

SELLER = merchant_pb2.Seller(
    legal_name="Bottega Verdi S.r.l.", vat_number="IT12345670017", address="Via Po 1, Torino"
)
ACCOUNT = merchants_pb2.BankAccount(
    holder="Bottega Verdi S.r.l.", iban="IT60X0542811101000000123456", bic="BPPIITRRXXX"
)


def merchant() -> merchants_pb2.Merchant:
    return merchants_pb2.Merchant(
        id=MERCHANT_ID,
        name="Bottega Verdi",
        default_currency="EUR",
        time_zone="Europe/Rome",
        test=True,
        seller=SELLER,
        bank_account=ACCOUNT,
        pending_bank_account=merchants_pb2.BankAccountChange(
            id="bac_1",
            bank_account=ACCOUNT,
            requested_by=MEMBER_ID,
            requested_at=stamp(),
            effective_at=stamp(),
        ),
    )


def answers(scopes: Iterable[str]) -> dict[str, Any]:
    """Answers by RPC, for a member with these scopes. Tests replace answers, but do not modify them."""
    return {"AuthenticateSession": authenticated(scopes), **_of_everybody(int(time.time() // 60))}


@lru_cache(maxsize=1)
def _of_everybody(minute: int) -> dict[str, Any]:
    """Cached, since they take 2 ms to make, for two thousand tests; by the minute, so that their dates stay current."""
    people = [
        member(),
        member(
            id="mem_2",
            state=members_pb2.Member.STATE_INVITED,
            role=sessions_pb2.ROLE_VIEWER,
            email="luca@bottega.example",
            name=None,
        ),
    ]
    return {
        "GetMerchant": merchants_pb2.GetMerchantResponse(merchant=merchant()),
        "ListMemberships": sessions_pb2.ListMembershipsResponse(memberships=[MEMBERSHIP]),
        "ListSessions": sessions_pb2.ListSessionsResponse(
            sessions=[
                session(),
                sessions_pb2.Session(
                    id="ses_2",
                    device="Safari on iOS",
                    address="203.0.113.9",
                    created_at=stamp(),
                    last_seen_at=stamp(),
                ),
            ]
        ),
        "RecordIntent": audit_pb2.RecordIntentResponse(entry_id="aud_1"),
        "ListAuditEntries": audit_pb2.ListAuditEntriesResponse(data=[audited()]),
        "ListMembers": members_pb2.ListMembersResponse(data=people),
        "GetMember": members_pb2.GetMemberResponse(member=member()),
        "ListPayments": payments_pb2.ListPaymentsResponse(
            data=[payment(), payment(state=payments_pb2.Payment.STATE_DECLINED, method="link")],
            next_cursor="more",
        ),
        "GetPayment": payments_pb2.GetPaymentResponse(payment=payment()),
        "RefundPayment": payments_pb2.RefundPaymentResponse(payment=payment()),
        "ListPaymentLinks": paylink_pb2.ListPaymentLinksResponse(data=[link()]),
        "GetPaymentLink": paylink_pb2.GetPaymentLinkResponse(payment_link=link()),
        "ReissuePaymentLink": paylink_pb2.ReissuePaymentLinkResponse(payment_link=link()),
        "CreatePaymentLink": paylink_pb2.CreatePaymentLinkResponse(payment_link=link()),
        "ListViews": listed_views,
        **of_evidence_and_reporting(),
        **of_settings(),
        **of_instalments(),
        **of_cod(),
        **of_reports(),
        **of_methods(),
        **of_shop(),
    }


def of_evidence_and_reporting() -> dict[str, Any]:
    return {
        "GetOneClickConsent": oneclick_pb2.GetOneClickConsentResponse(consent=consent()),
        "GetKpis": kpis(),
        "ListExceptions": reconciliation_pb2.ListExceptionsResponse(data=[exception()]),
        "GetException": reconciliation_pb2.GetExceptionResponse(exception=exception()),
        "ListImports": imports_pb2.ListImportsResponse(
            data=[
                imports_pb2.Import(
                    id="imp_1",
                    state=imports_pb2.Import.STATE_IMPORTED,
                    name="novembre.xml",
                    format="camt.053",
                    lines=312,
                    known_lines=4,
                    created_at=stamp(),
                )
            ]
        ),
        "ListPeriods": ledger_pb2.ListPeriodsResponse(
            data=[
                ledger_pb2.Period(month="2026-11", state=ledger_pb2.Period.STATE_OPEN),
                ledger_pb2.Period(month="2026-10", state=ledger_pb2.Period.STATE_OPEN),
                ledger_pb2.Period(
                    month="2026-09", state=ledger_pb2.Period.STATE_CLOSED, closed_at=stamp()
                ),
            ]
        ),
        "ListMessages": messages_pb2.ListMessagesResponse(data=[message()]),
        "GetPaymentTrail": reconciliation_pb2.GetPaymentTrailResponse(steps=trail()),
        "ListJournalEntries": ledger_pb2.ListJournalEntriesResponse(data=[entry()]),
    }
