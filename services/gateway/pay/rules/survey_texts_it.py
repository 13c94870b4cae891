"""The survey after payment, in Italian; `{…}` are filled in."""

from typing import Final

WORDS: Final[dict[str, str]] = {
    "survey_title": "Tre domande sul tuo pagamento",
    "survey_text": "Le tue risposte aiutano {merchant} a migliorare. Sono conservate senza il tuo nome e puoi rispondere anche solo ad alcune.",
    "survey_satisfaction": "Quanto sei soddisfatto del tuo acquisto?",
    "survey_satisfaction_5": "Molto soddisfatto",
    "survey_satisfaction_4": "Soddisfatto",
    "survey_satisfaction_3": "Né soddisfatto né insoddisfatto",
    "survey_satisfaction_2": "Insoddisfatto",
    "survey_satisfaction_1": "Molto insoddisfatto",
    "survey_recommendation": "Quanto è probabile che consiglierai {merchant} ad altri?",
    "survey_recommendation_5": "Molto probabile",
    "survey_recommendation_4": "Probabile",
    "survey_recommendation_3": "Né probabile né improbabile",
    "survey_recommendation_2": "Improbabile",
    "survey_recommendation_1": "Molto improbabile",
    "survey_ease": "Quanto è stato facile pagare?",
    "survey_ease_5": "Molto facile",
    "survey_ease_4": "Facile",
    "survey_ease_3": "Né facile né difficile",
    "survey_ease_2": "Difficile",
    "survey_ease_1": "Molto difficile",
    "survey_send": "Invia le risposte",
    "survey_change": "Modifica le risposte",
    "notice_survey_thanks": "Grazie! Le tue risposte sono state salvate. Puoi modificarle qui per 30 giorni.",
    "notice_survey_missing": "Scegli almeno una risposta, poi inviala.",
    "survey_offer": "Ancora tre domande: basta meno di un minuto.",
    "survey_start": "Rispondi a tre domande",
}
