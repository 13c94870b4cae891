"""Words of the pay page about instalments in English. Only texts."""

from typing import Final

WORDS: Final[dict[str, str]] = {
    "instalments": "Pay in instalments",
    "instalments_or": "or {label}",
    "instalments_costs": "See what it costs, and when you pay",
    "instalments_how": "You pay the first instalment when you sign; the others are charged to your card on their due dates.",
    "instalments_extra": "No fees are added by card or transfer. What instalments cost is shown next to them.",
    "instalments_who": "Who signs",
    "instalments_name": "Your first and last name",
    "instalments_why": "The agreement is in your name. To your e-mail goes what you must know of this plan: before "
    "a payment is taken, and when one fails.",
    "instalments_first": "when you sign",
    "instalments_choose": "Continue with {label}",
    "instalments_not_yet": "You are not bound to anything yet: first you get the documents, then you sign.",
    "instalments_partner": "{partner} gives the credit: its agreement is made on its page, and you pay {partner}.",
    "instalments_not_yet_partner": "Nothing is agreed yet: the agreement is shown to you first.",
    "instalments_text_partner": "{partner} gives the credit: its agreement is made on its page. Nothing is agreed or "
    "charged before.",
    "in_parts_text_partner": "{partner} has paid {merchant}. What you pay {partner}, and when, stands in its agreement.",
    "instalments_title": "Your plan is waiting for you",
    "instalments_text": "Read the documents, sign, and pay the first instalment. You are not bound and nothing is charged before.",
    "instalments_go_on": "Go to your plan",
    "instalments_give_up": "Changed your mind? Until you sign you can choose another way to pay.",
    "in_parts_title": "Thank you, your plan is under way",
    "in_parts_text": "{merchant} has received the first instalment. The others are charged to your card on their due dates.",
    "in_parts_receipt": "What you have bought",
}
