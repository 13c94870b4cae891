"""Words of the pay page about instalments in Italian. Only texts."""

from typing import Final

WORDS: Final[dict[str, str]] = {
    "instalments": "Paga a rate",
    "instalments_or": "oppure {label}",
    "instalments_costs": "Guarda quanto costa e quando paghi",
    "instalments_how": "La prima rata si paga alla firma; le altre vengono addebitate sulla tua carta alle loro scadenze.",
    "instalments_extra": "Nessun costo aggiuntivo con carta o bonifico. Il costo delle rate è indicato accanto.",
    "instalments_who": "Chi firma",
    "instalments_name": "Il tuo nome e cognome",
    "instalments_why": "Il contratto è a tuo nome. All'e-mail arriva ciò che devi sapere di questo piano: prima di "
    "ogni addebito, e quando uno non riesce.",
    "instalments_first": "alla firma",
    "instalments_choose": "Continua con {label}",
    "instalments_not_yet": "Non sei ancora vincolato a nulla: prima ricevi i documenti, poi firmi.",
    "instalments_partner": "Il credito lo dà {partner}: il contratto si conclude nella sua pagina, e paghi {partner}.",
    "instalments_not_yet_partner": "Non hai ancora concordato nulla: prima ti viene mostrato il contratto.",
    "instalments_text_partner": "Il credito lo dà {partner}: il contratto si conclude nella sua pagina. Prima di allora "
    "nulla è concordato né addebitato.",
    "in_parts_text_partner": "{partner} ha pagato {merchant}. Quanto paghi a {partner}, e quando, è scritto nel suo "
    "contratto.",
    "instalments_title": "Il tuo piano ti aspetta",
    "instalments_text": "Leggi i documenti, firma e paga la prima rata. Prima di allora non sei vincolato e nulla viene addebitato.",
    "instalments_go_on": "Vai al tuo piano",
    "instalments_give_up": "Hai cambiato idea? Finché non firmi puoi scegliere un altro modo di pagare.",
    "in_parts_title": "Grazie, il tuo piano è attivo",
    "in_parts_text": "{merchant} ha ricevuto la prima rata. Le altre sono addebitate sulla tua carta alle loro "
    "scadenze.",
    "in_parts_receipt": "Il tuo acquisto",
}
