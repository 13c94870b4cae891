"""Settings of cash on delivery: when it is offered, its fee, who is refused, the account for refunds."""

from typing import Any, Final

from incasso.cod.v1 import cod_pb2
from libs.errors import invalid
from libs.money import Money
from services.console.areas.settings import fields
from services.console.listing import enum_value
from services.console.page import Html, Page, See, get, post
from services.console.rules.amounts import typed
from services.console.rules.fields import percent_of
from services.console.rules.lists import names_of
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "settings_cash"
PATH: Final = "/settings/cash"
SETTINGS = cod_pb2.CodSettings
OFFERED: Final = ("always", "after_failed_payment", "never")
TIERS: Final = 5  # in the form; the service allows 20
MAX_NAME: Final = 100  # of the person who has read the warning
_ADDRESS: Final = ("street", "building_number", "postcode", "town", "country")
_TICKS: Final = ("sells_to_consumers", "confirmation_needed")


async def shown(visit: Visit) -> Html:
    settings = await _settings(visit)
    rows = max(TIERS, len(settings.fee.tiers))
    return Html(
        "cash_settings.html",
        {
            "found": settings,
            "values": _as_typed(settings),
            "rows": range(rows),
            "offered": OFFERED,
            "writes": visit.who.holds("cod:write"),
        },
    )


async def save(visit: Visit) -> See:
    """Existing orders keep their agreed terms."""
    before = await _settings(visit)
    currency = before.currency
    request = cod_pb2.UpdateCodSettingsRequest(
        offered=enum_value(SETTINGS.Offered, visit.typed("offered")),
        fee=_fee(visit, before),
        deposit=cod_pb2.CodDeposit(
            fixed_minor=fields.minor(visit, "deposit_fixed", currency),
            basis_points=fields.basis_points(visit, "deposit_share"),
            from_minor=fields.minor(visit, "deposit_from", currency),
        ),
        carts=cod_pb2.CodCarts(
            min_amount_minor=fields.minor(visit, "min_amount", currency),
            max_amount_minor=fields.minor(visit, "max_amount", currency) or None,
            excluded_categories=names_of(visit.typed("excluded_categories")),
        ),
        refusals=cod_pb2.CodRefusals(
            most=fields.number(visit, "most") if visit.typed("most") else None,
            within_days=fields.number(visit, "within_days") or None,
        ),
        expires_after_days=fields.number(visit, "expires_after_days"),
        sells_to_consumers=fields.ticked(visit, "sells_to_consumers"),
        confirmation_needed=fields.ticked(visit, "confirmation_needed"),
    )
    account = _account(visit, before)
    if account is not None:
        request.refund_account.CopyFrom(account)
    if fields.ticked(visit, "acknowledged"):
        who = visit.who.person
        request.acknowledgement.acknowledged_by = (who.name or who.email)[:MAX_NAME]
        request.acknowledgement.version = visit.typed("warning_version")
    await visit.change(request, before=before)
    return See(PATH, notice="saved")


def _fee(visit: Visit, before: cod_pb2.CodSettings) -> cod_pb2.CodFee:
    """Rows without a fee are ignored."""
    currency, tiers = before.currency, []
    for row in range(max(TIERS, len(before.fee.tiers))):
        fixed = fields.minor(visit, f"fixed_{row}", currency)
        share = fields.basis_points(visit, f"share_{row}")
        if fixed or share:
            least = fields.minor(visit, f"from_{row}", currency)
            tiers.append(
                cod_pb2.CodFeeTier(from_minor=least, fixed_minor=fixed, basis_points=share)
            )
    return cod_pb2.CodFee(tiers=tiers, vat_basis_points=fields.basis_points(visit, "vat"))


def _account(visit: Visit, before: cod_pb2.CodSettings) -> cod_pb2.CodRefundDebtor | None:
    """None if nothing was typed. Once set, an account can be changed but not removed."""
    if not visit.typed("iban") and not visit.typed("holder"):
        if before.HasField("refund_account"):
            raise invalid("iban", visit.word("not_removed"))
        return None
    address: dict[str, Any] = {name: visit.typed(name) or None for name in _ADDRESS}
    address["country"] = visit.typed("country").upper() or None
    return cod_pb2.CodRefundDebtor(
        holder=visit.typed("holder"),
        iban=visit.typed("iban"),
        bic=visit.typed("bic") or None,
        address=cod_pb2.CodRefundDebtorAddress(**address),
    )


def _as_typed(settings: cod_pb2.CodSettings) -> dict[str, str]:
    """The settings as typed in the form."""

    def amount(minor: int) -> str:
        return typed(Money(minor, settings.currency)) if minor else ""

    def share(basis_points: int) -> str:
        return percent_of(basis_points) if basis_points else ""

    found: dict[str, Any] = {}
    for row, tier in enumerate(settings.fee.tiers):
        found |= {
            f"from_{row}": amount(tier.from_minor),
            f"fixed_{row}": amount(tier.fixed_minor),
            f"share_{row}": share(tier.basis_points),
        }
    account, refusals = settings.refund_account, settings.refusals
    found |= {name: getattr(account.address, name) for name in _ADDRESS}
    return found | {
        "offered": enum(settings, "offered"),
        "vat": share(settings.fee.vat_basis_points),
        "deposit_fixed": amount(settings.deposit.fixed_minor),
        "deposit_share": share(settings.deposit.basis_points),
        "deposit_from": amount(settings.deposit.from_minor),
        "min_amount": amount(settings.carts.min_amount_minor),
        "max_amount": amount(settings.carts.max_amount_minor),
        "excluded_categories": ", ".join(settings.carts.excluded_categories),
        "most": str(refusals.most) if refusals.HasField("most") else "",
        "within_days": str(refusals.within_days or 365),
        "expires_after_days": str(settings.expires_after_days),
        "holder": account.holder,
        "iban": account.iban,
        "bic": account.bic,
        **{name: "yes" if getattr(settings, name) else "" for name in _TICKS},
    }


async def _settings(visit: Visit) -> cod_pb2.CodSettings:
    found: cod_pb2.CodSettings = (await visit.ask(cod_pb2.GetCodSettingsRequest())).settings
    return found


READS: Final = "cod.GetCodSettings"
PAGES: Final[tuple[Page, ...]] = (
    get(PATH, shown, AREA, READS),
    post(PATH, save, AREA, READS, "cod.UpdateCodSettings", again=shown),
)
