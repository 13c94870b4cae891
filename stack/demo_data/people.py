"""Who buys at the demo's second shop, and what. Everything is invented."""

from dataclasses import dataclass
from typing import Final

NAMES: Final = (
    "Giulia Bianchi", "Marco Ferri", "Sara Conti", "Luca Moretti", "Elena Galli", "Paolo Rinaldi",
    "Chiara Fontana", "Davide Greco", "Marta Villa", "Andrea Serra", "Francesca Leone", "Matteo Riva",
    "Ilaria Costa", "Stefano Longo", "Valentina Neri", "Simone Marchi", "Alice Barbieri", "Nicola Testa",
    "Beatrice Fabbri", "Tommaso Gatti", "Laura Piras", "Giorgio Donati", "Anita Basile", "Pietro Sala",
)  # fmt: skip  # a list of names
GOODS: Final = (
    ("Tazza in ceramica", 1_890), ("Lampada da tavolo", 7_900), ("Tovaglia di lino", 4_990),
    ("Servizio di piatti", 12_900), ("Vaso in vetro", 3_450), ("Coperta di lana", 8_900),
    ("Cuscino ricamato", 2_990), ("Specchio rotondo", 15_900), ("Cesto in vimini", 2_250),
    ("Orologio da parete", 6_400),
)  # fmt: skip  # a price list
TOWNS: Final = (
    ("Via Roma 1", "20121", "Milano"), ("Corso Francia 12", "10138", "Torino"),
    ("Via Garibaldi 8", "16124", "Genova"), ("Piazza Dante 3", "00185", "Roma"),
    ("Via Mazzini 21", "40137", "Bologna"), ("Via Manzoni 5", "35126", "Padova"),
)  # fmt: skip  # addresses


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    phone: str


def person(number: int) -> Person:
    name = NAMES[number % len(NAMES)]
    address = f"{name.lower().replace(' ', '.')}@example.com"
    return Person(name, address, f"+39333{5_000_000 + number % len(NAMES):07d}")


PEOPLE: Final = tuple(person(number) for number in range(len(NAMES)))
