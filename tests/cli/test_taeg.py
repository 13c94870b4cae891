"""`incasso taeg` computes published rates, and refuses bad files stating the place."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.__main__ import app

VECTORS = Path(__file__).parents[1] / "libs" / "apr_vectors.json"
BRIDGE = [
    {"amount": 200000.0, "at": "0"},
    {"amount": -4000, "at": 0},
    {"amount": -207618.17, "at": "1/2"},
]


def run(file: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["taeg", str(file), *options])


def written(folder: Path, content: Any) -> Path:
    file = folder / "payments.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def refused(file: Path) -> str:
    done = run(file, "--json")
    assert (done.exit_code, done.stdout) == (1, "")
    return done.stderr


def test_rates_are_printed_in_the_order_of_the_file():
    done = run(VECTORS, "--json")
    rates = json.loads(done.stdout)
    assert done.exit_code == 0
    for rate, vector in zip(rates, json.loads(VECTORS.read_text()), strict=True):
        assert abs(rate - vector["recomputed"]) <= 1e-4


def test_one_set_of_payments_prints_a_list_of_one_rate(tmp_path: Path):
    assert json.loads(run(written(tmp_path, {"flows": BRIDGE}), "--json").stdout) == [12.2066]


def test_rates_are_tabulated_with_four_decimals(tmp_path: Path):
    done = run(written(tmp_path, [{"id": "bridge", "flows": BRIDGE}, {"flows": BRIDGE}]))
    assert done.exit_code == 0
    assert [line.split() for line in done.stdout.splitlines() if "12.2066" in line] == [
        ["bridge", "12.2066"],
        ["2", "12.2066"],
    ]


def test_an_empty_list_has_no_rates(tmp_path: Path):
    assert json.loads(run(written(tmp_path, []), "--json").stdout) == []
    assert "no payments" in run(written(tmp_path, [])).stdout


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path):
    assert run(written(tmp_path, f"\ufeff{json.dumps({'flows': BRIDGE})}")).exit_code == 0


def flows(*more: Any) -> dict[str, Any]:
    return {"flows": [{"amount": 100, "at": "0"}, *more]}


REPEATED = {"amount": -1, "first": "1/12", "every": "1/12", "count": 2}


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("", "line 1, column 1"),
        ('[{"flows": [}]', "line 1, column 13"),
        ('{"flows": [{"amount": NaN, "at": "0"}]}', "NaN is not a number"),
        ("[" * 100_000, "is not JSON"),
        (f'{{"flows": [{{"amount": {"9" * 5000}, "at": "0"}}]}}', "is not JSON"),
        ("7", "must be an object"),
        ([flows(), 7], "1: must be an object"),
        ({}, "flows: must be a list"),
        ({"flows": [7]}, "flows.0: must be an object"),
        ([flows(), {"flows": [{"amount": -1}]}], "0.flows: nothing is paid back"),
        (flows({"amount": -1}), "flows.1: must have amount and at"),
        (flows({**REPEATED, "at": "1"}), "flows.1: must have amount and at"),
        (flows({"amount": "7", "at": "1"}), "flows.1.amount: must be a number"),
        (flows({"amount": True, "at": "1"}), "flows.1.amount: must be a number"),
        (flows({"amount": -(10**16), "at": "1"}), "flows.1.amount: must be between"),
        ('{"flows": [{"amount": 1e999999999, "at": "0"}]}', "flows.0.amount: must be between"),
        ('{"flows": [{"amount": 1e-999999999, "at": "0"}]}', "flows.0.amount: must have at most"),
        (flows({"amount": -1, "at": "soon"}), "flows.1.at: must be years"),
        (flows({"amount": -1, "at": "1/0"}), "flows.1.at: must be years"),
        (flows({"amount": -1, "at": None}), "flows.1.at: must be a number"),
        (flows({**REPEATED, "first": "x"}), "flows.1.first: must be years"),
        (flows({**REPEATED, "every": "x"}), "flows.1.every: must be years"),
        (flows({**REPEATED, "count": 0}), "flows.1.count: must be 1 to 10000"),
        (flows({**REPEATED, "count": 1.5}), "flows.1.count: must be 1 to 10000"),
        (flows(*[{**REPEATED, "count": 9_999}] * 2), "flows: holds more than 10000 payments"),
        (flows({"amount": -50, "at": "0"}, {"amount": -60, "at": "0"}), "flows: no rate"),
        (flows({"amount": -101, "at": "201"}), "flows: a time is beyond 200 years"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(tmp_path: Path, content: Any, place: str):
    assert place in refused(written(tmp_path, content))


def test_a_directory_or_missing_file_is_refused(tmp_path: Path):
    assert "No such file" in refused(tmp_path / "nothing.json")
    assert "directory" in refused(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path):
    file = tmp_path / "payments.json"
    file.write_bytes(b"\xff\xfe\x00{")
    assert "is not UTF-8" in refused(file)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path):
    assert "is larger than" in refused(written(tmp_path, " " * 10_000_001))


def test_a_file_of_too_many_sets_is_refused(tmp_path: Path):
    assert "more than 10000 sets" in refused(written(tmp_path, [{}] * 10_001))
