"""`incasso taeg FILE`: computes the TAEG of payments, to check ours or another lender's.

The file is JSON: one set of payments, or a list of them. A set has `flows`, each `{amount, at}` or
`{amount, first, every, count}`: amounts above zero are drawn down, below are paid; times are years
from the first drawdown, as fractions ("67/732"). Of a set's other members, only `id`
and `description` are read: the table shows them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from cli import output
from cli.output import AsJson
from libs import taeg as formula
from libs.taeg import Flow, NoRateError

PLACES: Final = 4
MOST_BYTES: Final = 10_000_000
MOST_SETS: Final = 10_000
COLUMNS: Final = ("payments", "description", "percent")
_KEYS: Final = ({"amount", "at"}, {"amount", "first", "every", "count"})
_TIME: Final = re.compile(r"-?\d{1,9}(/0*[1-9]\d{0,8}|\.\d{1,18})?", re.ASCII)
_MOST_DIGITS: Final = 20  # after the point


class FlowsError(ValueError):
    """`place` says where in the file: `3.flows.0.amount`."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}" if place else what)


def taeg(
    file: Annotated[Path, typer.Argument(help="Payments as JSON: one set, or a list of them.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print the TAEG of payments in percent, by the formula of Directive 2008/48/EC, Annex I."""
    try:
        sets = read(file)
        percents = [_percent(place, each) for place, each in sets]
    except FlowsError as error:
        output.fail(
            f"{file.name}: {error}.",
            next_step='Write a set as {"flows": [{"amount": 900, "at": 0}, {"amount": -950, "at": "1/2"}]}.',
        )
    except OSError as error:
        output.fail(f"{file.name}: {error.strerror}.")
    if as_json:
        output.print_json([float(percent) for percent in percents])
        return
    rows = [
        {
            "payments": str(each.get("id", number)),
            "description": str(each.get("description", "")),
            "percent": str(percent),
        }
        for number, ((_, each), percent) in enumerate(zip(sets, percents, strict=True), start=1)
    ]
    output.print_table("TAEG", COLUMNS, rows, empty="The file holds no payments.")


def read(file: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """The sets in a file, each with the prefix of its place in errors. Raises FlowsError, OSError."""
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise FlowsError("", f"is larger than {MOST_BYTES} bytes")
    parsed = _json(content)
    if not isinstance(parsed, list):
        return [("", _object("", parsed))]
    if len(parsed) > MOST_SETS:
        raise FlowsError("", f"holds more than {MOST_SETS} sets of payments")
    return [(f"{index}.", _object(str(index), each)) for index, each in enumerate(parsed)]


def flows_of(payments: Mapping[str, Any], place: str = "") -> list[Flow]:
    """Raises FlowsError."""
    if not isinstance(payments.get("flows"), list):
        raise FlowsError(f"{place}flows", "must be a list")
    found: list[Flow] = []
    for index, each in enumerate(payments["flows"]):
        found += _flows(_object(f"{place}flows.{index}", each), f"{place}flows.{index}")
        if len(found) > formula.MOST_FLOWS:
            raise FlowsError(f"{place}flows", f"holds more than {formula.MOST_FLOWS} payments")
    return found


def _percent(place: str, payments: Mapping[str, Any]) -> Decimal:
    try:
        return formula.rounded(formula.rate(flows_of(payments, place)), PLACES)
    except NoRateError as error:
        raise FlowsError(f"{place}flows", str(error)) from None


def _json(content: bytes) -> Any:
    """Parses JSON with exact numbers."""

    def never(name: str) -> NoReturn:
        raise FlowsError("", f"{name} is not a number")

    try:
        return json.loads(content.decode("utf-8-sig"), parse_float=Decimal, parse_constant=never)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise FlowsError(where, f"is not JSON ({error.msg})") from None
    except UnicodeDecodeError:
        raise FlowsError("", "is not UTF-8") from None
    except FlowsError:
        raise
    except (ValueError, RecursionError):  # numbers of thousands of digits, lists nested too deeply
        raise FlowsError(
            "", "is not JSON that can be read (nested too deeply, or a number too long)"
        ) from None


def _object(place: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FlowsError(place, "must be an object")
    return value


def _flows(fields: Mapping[str, Any], place: str) -> Iterator[Flow]:
    if set(fields) not in _KEYS:
        raise FlowsError(place, "must have amount and at, or amount, first, every and count")
    amount = _number(fields["amount"], f"{place}.amount")
    if "at" in fields:
        yield Flow(amount, _years(fields["at"], f"{place}.at"))
        return
    first = _years(fields["first"], f"{place}.first")
    every = _years(fields["every"], f"{place}.every")
    count = fields["count"]
    if (
        isinstance(count, bool)
        or not isinstance(count, int)
        or not 1 <= count <= formula.MOST_FLOWS
    ):
        raise FlowsError(f"{place}.count", f"must be 1 to {formula.MOST_FLOWS}")
    for number in range(count):
        yield Flow(amount, first + number * every)


def _number(value: Any, place: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise FlowsError(place, "must be a number")
    if not -formula.MOST_AMOUNT <= value <= formula.MOST_AMOUNT:
        raise FlowsError(place, f"must be between -{formula.MOST_AMOUNT} and {formula.MOST_AMOUNT}")
    if isinstance(value, Decimal) and _exponent(value) < -_MOST_DIGITS:
        raise FlowsError(place, f"must have at most {_MOST_DIGITS} digits after the point")
    return Fraction(value)


def _years(value: Any, place: str) -> Fraction:
    if not isinstance(value, str):
        return _number(value, place)
    if not _TIME.fullmatch(value):
        raise FlowsError(place, 'must be years such as "1/12" or "0.5"')
    return Fraction(value)


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # JSON has no infinity
    return exponent
