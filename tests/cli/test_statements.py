"""`incasso statements FILE` shows a file's content, or why it cannot be read."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.__main__ import app
from tests.libs.statements.files import IBAN, balance, camt, detail, entry, statement

FIRST = statement(
    balance("OPBD", "10.00"),
    balance("CLBD", "11.50"),
    entry("5.00", details=detail("5.00", text="Ordine A-1, Forlì")),
    entry("3.50", "DBIT", reference="B2"),
)
GOOD = camt(FIRST, statement(balance("OPBD", "11.50"), balance("CLBD", "11.50"), name="S2"))


def run(file: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["statements", str(file), *options])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "photo.jpg"  # the name does not matter
    file.write_bytes(GOOD)
    return file


def test_json_output_has_balances_and_entries(good: Path):
    done = run(good, "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["format"], found["version"], found["accounts"]) == ("camt.053", "001.02", [IBAN])
    first, second = found["statements"]
    assert first["opening_balance"]["amount_minor"] == 1000
    assert first["closing_balance"] == {
        "kind": "CLBD",
        "date": "2026-04-07",
        "amount_minor": 1150,
        "currency": "EUR",
    }
    assert [each["amount_minor"] for each in first["entries"]] == [500, -350]
    assert first["entries"][0]["text"] == "Ordine A-1, Forlì"
    assert first["entries"][1]["references"] == {"bank": "B2"}
    assert (second["id"], second["adds_up"], second["entries"]) == ("S2", True, [])


def test_statements_are_printed_as_tables(good: Path):
    done = run(good)
    assert done.exit_code == 0
    for words in ("camt.053 001.02", "10.00 EUR", "11.50 EUR", "-3.50 EUR", "Ordine A-1, Forlì"):
        assert words in done.stdout


def test_a_long_file_points_to_the_json_option(tmp_path: Path):
    file = tmp_path / "long.xml"
    file.write_bytes(camt(statement(entry("1.00") * 60)))
    assert "60 entries in 1 statements: --json shows all" in run(file).stdout


def test_a_refused_file_says_line_and_reason(tmp_path: Path):
    file = tmp_path / "wrong.xml"
    file.write_bytes(GOOD.replace(b"3.50<", b"3.51<"))
    done = run(file, "--json")
    assert done.exit_code == 1
    refused = json.loads(done.stdout)["refused"]
    assert refused["line"] == 10
    assert "does not add up" in refused["reason"]
    assert "line 10: statement S1 does not add up" in done.stderr
    person = run(file)
    assert (person.exit_code, person.stdout) == (1, "")


@pytest.mark.parametrize(
    ("name", "words"), [("nothing.xml", "does not exist"), (".", "is not a file")]
)
def test_a_directory_or_missing_file_is_refused(tmp_path: Path, name: str, words: str):
    done = run(tmp_path / name)
    assert done.exit_code == 1
    assert words in done.stderr
