"""The legal data of a seller, as merchants state them. Pure."""

from typing import Final

from stdnum.eu import vat
from stdnum.util import clean

from libs.errors import invalid
from libs.sellers import Seller

FIELD: Final = "seller.vat_number"
_PREFIXES: Final = {"GR": "EL"}  # of countries with another code in VAT numbers
_CHECKED: Final = {country.upper() for country in vat.MEMBER_STATES} - {"GR"} | {"EL"}
_SHORTEST: Final = 4  # of numbers that we cannot check
_LONGEST: Final = 20


def seller_of(wanted: Seller, country: str) -> Seller:
    """The seller with its VAT number in normal form. Raises InvalidArgument."""
    if not wanted.legal_name:
        if wanted.vat_number or wanted.address:
            raise invalid("seller.legal_name", "is required")
        return Seller()
    number = vat_number_of(wanted.vat_number, country) if wanted.vat_number else None
    return Seller(wanted.legal_name, number, wanted.address or None)


def vat_number_of(text: str, country: str) -> str:
    """`IT12345670017` for `12345670017` or `IT 123.4567 0017`: the prefix defaults to the merchant's country.
    EU numbers must have valid check digits. Raises InvalidArgument.
    """
    plain = clean(text, " -./").upper()
    own = plain[:2] if plain[:2].isalpha() else ""
    prefix = _PREFIXES.get(own or country, own or country)
    number = prefix + plain.removeprefix(own)
    if prefix in _CHECKED:
        if not vat.is_valid(number):
            raise invalid(FIELD, f"is not a valid VAT number of {prefix}: check its digits")
        return str(vat.compact(number))
    if not (number.isascii() and number.isalnum() and _SHORTEST <= len(number) <= _LONGEST):
        raise invalid(FIELD, "must be a VAT number with its country such as IT12345670017")
    return number
