"""Merchants and keys as protobuf, and the events that tell of them, as rows of the outbox."""

from datetime import datetime
from types import MappingProxyType
from typing import Final

from google.protobuf.message import Message

from incasso.merchants.v1 import events_pb2, merchants_pb2
from libs import outbox, wire
from libs.db import Conn
from services.merchants.rules.bank_accounts import BankAccount, BankAccountChange
from services.merchants.rules.domain import ApiKey, Branding, Kind, Merchant, State

KINDS: Final = MappingProxyType(
    {
        Kind.SECRET: merchants_pb2.ApiKey.KIND_SECRET,
        Kind.PUBLISHABLE: merchants_pb2.ApiKey.KIND_PUBLISHABLE,
    }
)
STATES: Final = MappingProxyType(
    {
        State.ACTIVE: merchants_pb2.ApiKey.STATE_ACTIVE,
        State.EXPIRING: merchants_pb2.ApiKey.STATE_EXPIRING,
        State.REVOKED: merchants_pb2.ApiKey.STATE_REVOKED,
    }
)


def merchant_pb(merchant: Merchant) -> merchants_pb2.Merchant:
    return merchants_pb2.Merchant(
        id=merchant.id,
        name=merchant.name,
        country=merchant.country,
        default_currency=merchant.default_currency,
        locale=merchant.locale,
        test=merchant.test,
        branding=_branding_pb(merchant.branding),
        plan=merchant.plan,
        created_at=wire.timestamp(merchant.created_at),
        bank_account=_bank_account_pb(merchant.bank_account),
        pending_bank_account=_change_pb(merchant.pending_bank_account),
        contact_email=merchant.contact_email,
        quotas=merchant.quotas,
    )


def _bank_account_pb(account: BankAccount | None) -> merchants_pb2.BankAccount | None:
    if account is None:
        return None
    return merchants_pb2.BankAccount(holder=account.holder, iban=account.iban, bic=account.bic)


def _change_pb(change: BankAccountChange | None) -> merchants_pb2.BankAccountChange | None:
    if change is None:
        return None
    return merchants_pb2.BankAccountChange(
        id=change.id,
        bank_account=_bank_account_pb(change.account),
        requested_by=change.requested_by,
        requested_at=wire.timestamp(change.requested_at),
        effective_at=wire.timestamp(change.effective_at),
    )


def _branding_pb(branding: Branding) -> merchants_pb2.Branding | None:
    if branding == Branding():
        return None
    return merchants_pb2.Branding(
        logo_url=branding.logo_url,
        primary_colour=branding.primary_colour,
        reply_to=branding.reply_to,
        website_url=branding.website_url,
        logo_id=branding.logo_id,
    )


def api_key_pb(key: ApiKey, *, secret: str | None = None) -> merchants_pb2.ApiKey:
    """`secret` only in the answer that made the key, never in an event."""
    return merchants_pb2.ApiKey(
        id=key.id,
        kind=KINDS[key.kind],
        state=STATES[key.state],
        name=key.name,
        scopes=key.scopes,
        secret=secret,
        last4=key.last4,
        created_at=wire.timestamp(key.created_at),
        expires_at=wire.timestamp(key.expires_at) if key.expires_at else None,
    )


async def merchant_created(conn: Conn, merchant: Merchant, *, at: datetime) -> None:
    event = events_pb2.MerchantCreated(merchant=merchant_pb(merchant))
    await _append(conn, "merchant.created", event, of=(merchant.id, merchant.id), at=at)


async def merchant_updated(conn: Conn, merchant: Merchant, *, at: datetime) -> None:
    event = events_pb2.MerchantUpdated(merchant=merchant_pb(merchant))
    await _append(conn, "merchant.updated", event, of=(merchant.id, merchant.id), at=at)


async def bank_account_change_requested(
    conn: Conn, merchant: Merchant, change: BankAccountChange, *, at: datetime
) -> None:
    event = events_pb2.BankAccountChangeRequested(
        merchant=merchant_pb(merchant), change=_change_pb(change)
    )
    what = "merchant.bank_account_change_requested"
    await _append(conn, what, event, of=(merchant.id, merchant.id), at=at)


async def bank_account_change_cancelled(
    conn: Conn, merchant: Merchant, change: BankAccountChange, *, at: datetime
) -> None:
    event = events_pb2.BankAccountChangeCancelled(
        merchant=merchant_pb(merchant), change=_change_pb(change)
    )
    what = "merchant.bank_account_change_cancelled"
    await _append(conn, what, event, of=(merchant.id, merchant.id), at=at)


async def bank_account_changed(
    conn: Conn, merchant: Merchant, change: BankAccountChange, *, at: datetime
) -> None:
    event = events_pb2.BankAccountChanged(merchant=merchant_pb(merchant), change=_change_pb(change))
    what = "merchant.bank_account_changed"
    await _append(conn, what, event, of=(merchant.id, merchant.id), at=at)


async def api_key_created(conn: Conn, key: ApiKey, *, at: datetime) -> None:
    event = events_pb2.ApiKeyCreated(api_key=api_key_pb(key))
    await _append(conn, "api_key.created", event, of=(key.merchant_id, key.id), at=at)


async def api_key_revoked(conn: Conn, key: ApiKey, *, at: datetime) -> None:
    event = events_pb2.ApiKeyRevoked(api_key=api_key_pb(key))
    await _append(conn, "api_key.revoked", event, of=(key.merchant_id, key.id), at=at)


async def test_clock_advanced(conn: Conn, merchant: Merchant, *, at: datetime) -> None:
    event = events_pb2.TestClockAdvanced(
        merchant_id=merchant.id, offset_seconds=int(merchant.clock_offset.total_seconds())
    )
    await _append(conn, "test_clock.advanced", event, of=(merchant.id, merchant.id), at=at)


async def _append(
    conn: Conn, what: str, event: Message, *, of: tuple[str, str], at: datetime
) -> None:
    """`of`: the merchant and the aggregate."""
    merchant_id, aggregate_id = of
    await outbox.append(
        conn,
        merchant_id=merchant_id,
        aggregate_id=aggregate_id,
        subject=f"incasso.merchants.{what}",
        body=event.SerializeToString(),
        at=at,
    )
