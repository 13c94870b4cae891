import pytest

from services.sandbox.bank import epc

EXAMPLE = "BCD|002|1|SCT||Max Mustermann|DE89370400440532013000|EUR99.99|||Invoice 2026-001"


def lines(text: str, **changes: str) -> str:
    """The example with some of its elements replaced, by their number from zero."""
    parts = text.split("|")
    for place, value in changes.items():
        number = int(place.removeprefix("n"))
        parts += [""] * (number + 1 - len(parts))
        parts[number] = value
    return "\n".join(parts)


def test_the_standards_example_is_parsed():
    payload = epc.parse(lines(EXAMPLE))
    assert (payload.name, payload.iban) == ("Max Mustermann", "DE89370400440532013000")
    assert (payload.amount_minor, payload.text) == (9999, "Invoice 2026-001")
    assert (payload.bic, payload.reference, payload.information) == (None, None, None)


def test_crlf_a_trailing_line_end_and_a_reference_are_parsed():
    text = lines(EXAMPLE, n1="001", n4="BCITITMM", n9="RF18539007547034", n10="")
    payload = epc.parse(text.replace("\n", "\r\n") + "\r\n")
    assert (payload.reference, payload.bic) == ("RF18539007547034", "BCITITMM")


@pytest.mark.parametrize(
    ("amount", "minor"), [("EUR12.3", 1230), ("EUR7", 700), ("EUR999999999.99", 99999999999)]
)
def test_amounts_are_exact(amount, minor):
    assert epc.parse(lines(EXAMPLE, n7=amount)).amount_minor == minor


def test_an_open_amount_is_parsed_as_none():
    assert epc.parse(lines(EXAMPLE, n7="")).amount_minor is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n0": "bcd"}, "service tag"),
        ({"n1": "003"}, "version"),
        ({"n1": "001"}, "bic"),
        ({"n2": "9"}, "character set"),
        ({"n2": "2", "n5": "Ł"}, "character set"),
        ({"n3": "SDD"}, "identification"),
        ({"n4": "SHORT"}, "bic"),
        ({"n5": ""}, "name"),
        ({"n5": "x" * 71}, "name"),
        ({"n6": "DE88370400440532013000"}, "iban"),
        ({"n6": ""}, "iban"),
        ({"n7": "EUR0.00"}, "amount"),
        ({"n7": "EUR1,00"}, "amount"),
        ({"n7": "EUR1.001"}, "amount"),
        ({"n7": "USD1.00"}, "amount"),
        ({"n8": "HOUSE"}, "purpose"),
        ({"n9": "RF00539007547034", "n10": ""}, "reference"),
        ({"n9": "RF18539007547034"}, "text"),
        ({"n10": "x" * 141}, "text"),
        ({"n11": "x" * 71}, "information"),
        ({"n12": "more"}, "payload"),
        ({"n5": "è" * 70, "n10": "è" * 140}, "payload"),
    ],
)
def test_a_payload_that_breaks_a_rule_is_refused_by_field(changes, field):
    with pytest.raises(epc.WrongPayloadError) as refused:
        epc.parse(lines(EXAMPLE, **changes))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "text", ["", "BCD", "BCD\n002\n1\nSCT", lines(EXAMPLE).replace("\n", "\r")]
)
def test_text_that_is_not_an_epc_payload_is_refused(text):
    with pytest.raises(epc.WrongPayloadError):
        epc.parse(text)
