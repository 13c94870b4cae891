"""A merchant's settings for all cash on delivery, and the conditions for turning on a fee. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from itertools import pairwise

from libs.dataclass_copies import patched
from libs.errors import invalid
from services.cod.errors import FeeWarningNotAcknowledged
from services.cod.rules import refund_accounts
from services.cod.rules.fees import Deposit, Fee
from services.cod.rules.transfer_files import PostalAddress


class Offered(Enum):
    ALWAYS = "always"
    AFTER_FAILED_PAYMENT = "after_failed_payment"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Carts:
    """The carts for which it is offered. 0 and None: no limit."""

    min_amount_minor: int = 0
    max_amount_minor: int | None = None
    excluded_categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many orders a recipient may have refused, within how many days, and still be offered it.
    None: no limit.
    """

    most: int | None = None
    within_days: int = 365


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who has read which version of the warning about a fee, and when."""

    acknowledged_by: str
    version: str
    acknowledged_at: datetime


@dataclass(frozen=True, slots=True)
class DebtorAccount:
    """The merchant's own account, which pays cash refunds."""

    holder: str
    iban: str
    address: PostalAddress
    bic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All amounts are in `currency`. `confirmation_needed`: orders are confirmed by a one-time
    code. `refund_account`: None until the merchant sets one. `expires_after_days`: how long an
    order waits for its recipient; 0: indefinitely.
    """

    offered: Offered = Offered.ALWAYS
    currency: str
    sells_to_consumers: bool = True
    fee: Fee = field(default_factory=Fee)
    deposit: Deposit = field(default_factory=Deposit)
    carts: Carts = field(default_factory=Carts)
    confirmation_needed: bool = False
    refusals: Refusals = field(default_factory=Refusals)
    fee_acknowledgement: Acknowledgement | None = None
    refund_account: DebtorAccount | None = None
    expires_after_days: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person's statement that they have read the warning."""

    acknowledged_by: str
    version: str


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """None leaves a setting as it is."""

    offered: Offered | None
    currency: str | None
    sells_to_consumers: bool | None
    fee: Fee | None
    deposit: Deposit | None
    carts: Carts | None
    confirmation_needed: bool | None
    refusals: Refusals | None
    refund_account: DebtorAccount | None
    expires_after_days: int | None
    acknowledgement: Acknowledged | None


def change(settings: Settings, new: SettingsChange, *, version: str, now: datetime) -> Settings:
    """`version`: of the current warning. Raises InvalidArgument, FeeWarningNotAcknowledged."""
    after = _checked(patched(settings, new))
    if (acknowledged := new.acknowledgement) is not None:
        if acknowledged.version != version:
            raise invalid(
                "acknowledgement.version", f"must be the version of the warning: {version}"
            )
        after = replace(
            after, fee_acknowledgement=Acknowledgement(acknowledged.acknowledged_by, version, now)
        )
    _check_acknowledged(settings, after, version)
    return after


def _check_acknowledged(before: Settings, after: Settings, version: str) -> None:
    """A new or changed fee for consumers requires that the current warning was read."""
    if not after.fee.tiers or not after.sells_to_consumers:
        return
    if (before.fee, before.sells_to_consumers) == (after.fee, after.sells_to_consumers):
        return
    read = after.fee_acknowledgement
    if read is None or read.version != version:
        raise FeeWarningNotAcknowledged(facts={"warning_version": version})


def _checked(settings: Settings) -> Settings:
    starts = [tier.from_minor for tier in settings.fee.tiers]
    for index, (first, second) in enumerate(pairwise(starts), 1):
        if second <= first:
            raise invalid(f"fee.tiers.{index}.from_minor", "must be above the one before it")
    carts = settings.carts
    if carts.max_amount_minor is not None and carts.max_amount_minor < carts.min_amount_minor:
        raise invalid("carts.max_amount_minor", "must be at least min_amount_minor")
    if (account := settings.refund_account) is not None:
        refund_accounts.check(account.holder, account.iban, within="refund_account.")
    return settings
