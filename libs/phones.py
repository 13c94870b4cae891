"""Phone numbers by the numbering plans that libphonenumber knows. Pure.

Which digits a country has given out changes every week: the library is updated with the lock.
"""

from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

MOST: Final = 60  # characters; no number with its punctuation has as many


def e164(text: str) -> str:
    """`+390111234567` of an international number as people write it; "" when there is none such."""
    if len(text) > MOST or not text.startswith("+") or any(map(str.isalpha, text)):
        return ""
    try:
        number = phonenumbers.parse(text)
    except NumberParseException:
        return ""
    if number.extension or not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
