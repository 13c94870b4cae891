"""Merchants and keys as protobuf, and their events as rows of the outbox."""

from datetime import datetime, timedelta

from google.protobuf.message import Message

from incasso.common.v1 import merchant_pb2
from incasso.merchants.v1 import events_pb2, merchants_pb2
from libs import outbox, wire
from libs.db import Conn
from libs.outbox import NewEvent
from libs.sellers import Seller
from services.merchants.rules.bank_accounts import BankAccountChange
from services.merchants.rules.domain import ApiKey, Branding, Merchant
from services.merchants.rules.members import Member


def merchant_pb(merchant: Merchant) -> merchants_pb2.Merchant:
    branding, pending = merchant.branding, merchant.pending_bank_account
    seller = merchant.seller
    return wire.message(
        merchants_pb2.Merchant,
        merchant,
        branding=None if branding == Branding() else wire.message(merchants_pb2.Branding, branding),
        pending_bank_account=pending and _change_pb(pending),
        seller=None if seller == Seller() else wire.message(merchant_pb2.Seller, seller),
    )


def _change_pb(change: BankAccountChange) -> merchants_pb2.BankAccountChange:
    account = wire.message(merchants_pb2.BankAccount, change.account)
    return wire.message(merchants_pb2.BankAccountChange, change, bank_account=account)


def api_key_pb(key: ApiKey, *, secret: str | None = None) -> merchants_pb2.ApiKey:
    """`secret` only in the answer that created the key, never in an event."""
    return wire.message(merchants_pb2.ApiKey, key, secret=secret)


async def merchant_created(conn: Conn, merchant: Merchant, *, at: datetime) -> None:
    event = events_pb2.MerchantCreated(merchant=merchant_pb(merchant))
    await _append_of(conn, merchant, "merchant.created", event, at)


async def merchant_updated(conn: Conn, merchant: Merchant, *, at: datetime) -> None:
    event = events_pb2.MerchantUpdated(merchant=merchant_pb(merchant))
    await _append_of(conn, merchant, "merchant.updated", event, at)


async def bank_account_change_requested(
    conn: Conn, merchant: Merchant, change: BankAccountChange, *, at: datetime
) -> None:
    event = events_pb2.BankAccountChangeRequested(
        merchant=merchant_pb(merchant), change=_change_pb(change)
    )
    await _append_of(conn, merchant, "merchant.bank_account_change_requested", event, at)


async def bank_account_change_cancelled(
    conn: Conn, merchant: Merchant, change: BankAccountChange, *, at: datetime
) -> None:
    event = events_pb2.BankAccountChangeCancelled(
        merchant=merchant_pb(merchant), change=_change_pb(change)
    )
    await _append_of(conn, merchant, "merchant.bank_account_change_cancelled", event, at)


async def bank_account_changed(
    conn: Conn, merchant: Merchant, change: BankAccountChange, *, at: datetime
) -> None:
    event = events_pb2.BankAccountChanged(merchant=merchant_pb(merchant), change=_change_pb(change))
    await _append_of(conn, merchant, "merchant.bank_account_changed", event, at)


async def api_key_created(conn: Conn, key: ApiKey, *, at: datetime) -> None:
    event = events_pb2.ApiKeyCreated(api_key=api_key_pb(key))
    await _append(conn, "api_key.created", event, of=(key.merchant_id, key.id), at=at)


async def api_key_revoked(conn: Conn, key: ApiKey, *, at: datetime) -> None:
    event = events_pb2.ApiKeyRevoked(api_key=api_key_pb(key))
    await _append(conn, "api_key.revoked", event, of=(key.merchant_id, key.id), at=at)


async def member_invited(conn: Conn, member: Member, merchant: Merchant, *, at: datetime) -> None:
    event = events_pb2.MemberInvited(
        member_id=member.id,
        email=member.email,
        locale=member.locale or merchant.locale,
        merchant_name=merchant.name,
        expires_at=wire.timestamp(member.invitation_expires_at),
    )
    await _append(conn, "member.invited", event, of=(member.merchant_id, member.id), at=at)


async def test_clock_advanced(conn: Conn, merchant: Merchant, *, at: datetime) -> Message:
    """Also returns the event, from which `offset_of` reads the offset."""
    event = events_pb2.TestClockAdvanced(
        merchant_id=merchant.id, offset_seconds=int(merchant.clock_offset.total_seconds())
    )
    await _append_of(conn, merchant, "test_clock.advanced", event, at)
    return event


def offset_of(advanced: bytes) -> timedelta:
    return timedelta(seconds=events_pb2.TestClockAdvanced.FromString(advanced).offset_seconds)


async def _append_of(
    conn: Conn, merchant: Merchant, what: str, event: Message, at: datetime
) -> None:
    await _append(conn, what, event, of=(merchant.id, merchant.id), at=at)


async def _append(
    conn: Conn, what: str, event: Message, *, of: tuple[str, str], at: datetime
) -> None:
    """`of`: the merchant and the aggregate."""
    body = event.SerializeToString()
    await outbox.append(conn, NewEvent(*of, f"incasso.merchants.{what}", body, at))
