"""Couriers' terms for tests. Synthetic: no real courier has them."""

from typing import Any


def gls(**more: Any) -> dict[str, Any]:
    """3 %, at least 3.00; in four modes; up to 3,000.00; all of Italy."""
    return {
        "name": "GLS",
        "currency": "EUR",
        "cut": {"basis_points": 300, "minimum_minor": 300},
        "max_collect_minor": 3_000_00,
        "modes": [
            {"mode": "COLLECTION_MODE_CASH", "code": "CONT"},
            {"mode": "COLLECTION_MODE_CASHIERS_CHEQUE", "code": "AC"},
            {"mode": "COLLECTION_MODE_BANK_CHEQUE", "code": "AB"},
            {"mode": "COLLECTION_MODE_POSTAL_CHEQUE", "code": "AP"},
        ],
        "zones": [{"country": "IT"}],
        **more,
    }


CASH_ONLY = [{"mode": "COLLECTION_MODE_CASH", "code": "CONT"}]
