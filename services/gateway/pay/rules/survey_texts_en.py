"""The survey after payment, in English; `{…}` are filled in."""

from typing import Final

WORDS: Final[dict[str, str]] = {
    "survey_title": "Three questions about your payment",
    "survey_text": "Your answers help {merchant} to improve. They are stored without your name, and you need not answer all of them.",
    "survey_satisfaction": "How satisfied are you with your purchase?",
    "survey_satisfaction_5": "Very satisfied",
    "survey_satisfaction_4": "Satisfied",
    "survey_satisfaction_3": "Neither satisfied nor dissatisfied",
    "survey_satisfaction_2": "Dissatisfied",
    "survey_satisfaction_1": "Very dissatisfied",
    "survey_recommendation": "How likely are you to recommend {merchant} to others?",
    "survey_recommendation_5": "Very likely",
    "survey_recommendation_4": "Likely",
    "survey_recommendation_3": "Neither likely nor unlikely",
    "survey_recommendation_2": "Unlikely",
    "survey_recommendation_1": "Very unlikely",
    "survey_ease": "How easy was it to pay?",
    "survey_ease_5": "Very easy",
    "survey_ease_4": "Easy",
    "survey_ease_3": "Neither easy nor hard",
    "survey_ease_2": "Hard",
    "survey_ease_1": "Very hard",
    "survey_send": "Send answers",
    "survey_change": "Change answers",
    "notice_survey_thanks": "Thank you! Your answers are stored. You can change them here for 30 days.",
    "notice_survey_missing": "Choose at least one answer, then send it.",
    "survey_offer": "Three more questions: it takes less than a minute.",
    "survey_start": "Answer three questions",
}
