"""Phone numbers by the numbering plans in libphonenumber. Pure.

Number ranges change every week: the library is updated together with the lock file.
"""

from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

MOST: Final = 60  # characters; no number with punctuation is longer


def e164(text: str) -> str:
    """`+390111234567` for an international number as people write it; "" if there is no such
    number.
    """
    if len(text) > MOST or not text.startswith("+") or any(map(str.isalpha, text)):
        return ""
    try:
        number = phonenumbers.parse(text)
    except NumberParseException:
        return ""
    if number.extension or not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
