"""Exemptions by the thresholds of Delegated Regulation (EU) 2018/389."""

import pytest

from libs.money import Money
from services.payments.rules.sca import History, exemption
from services.payments.rules.states import Exemption, Initiator, TraBand


def ask(
    minor: int,
    *,
    currency: str = "EUR",
    initiator: Initiator = Initiator.CUSTOMER,
    history: History | None = None,
    band: TraBand = TraBand.NONE,
    single_use: bool = False,
) -> Exemption:
    return exemption(
        Money(minor, currency),
        initiator=initiator,
        history=history,
        band=band,
        single_use=single_use,
    )


@pytest.mark.parametrize(
    ("minor", "history", "wanted"),
    [
        (3000, History(0, 0), Exemption.LOW_VALUE),
        (3001, History(0, 0), Exemption.NONE),
        (3000, History(3, 7000), Exemption.LOW_VALUE),
        (3000, History(3, 7001), Exemption.NONE),
        (100, History(4, 400), Exemption.LOW_VALUE),
        (100, History(5, 500), Exemption.NONE),
        (100, None, Exemption.NONE),
    ],
)
def test_the_low_value_exemption_is_limited_by_amount_total_and_count(minor, history, wanted):
    assert ask(minor, history=history) is wanted


@pytest.mark.parametrize(
    ("band", "limit"),
    [(TraBand.UP_TO_0_13, 10000), (TraBand.UP_TO_0_06, 25000), (TraBand.UP_TO_0_01, 50000)],
)
def test_the_tra_exemption_is_limited_by_the_merchants_band(band, limit):
    assert ask(limit, band=band) is Exemption.TRA
    assert ask(limit + 1, band=band) is Exemption.NONE


def test_low_value_comes_before_transaction_risk():
    assert ask(3000, history=History(0, 0), band=TraBand.UP_TO_0_01) is Exemption.LOW_VALUE


def test_thresholds_apply_to_euro_only():
    wanted = ask(100, currency="USD", history=History(0, 0), band=TraBand.UP_TO_0_01)
    assert wanted is Exemption.NONE


def test_a_single_use_token_requests_no_exemption():
    asked = ask(100, history=History(0, 0), band=TraBand.UP_TO_0_01, single_use=True)
    assert asked is Exemption.NONE


def test_merchant_initiated_is_out_of_scope():
    assert ask(99_999, initiator=Initiator.MERCHANT) is Exemption.MIT
