"""Every error that services report about a field has an Italian text for Italian pages."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from libs.errors import FieldViolation, InvalidArgument
from libs.services import NAMES
from services.console import texts
from tests.services.console.conftest import Console
from tests.services.console.samples import LINK_ID

CHECKS = ("validation", "formats", "text")  # modules of libs that return errors
CALLED = re.compile(r"\b(invalid|FieldViolation)\(")
BEGINNINGS = ("must", "is", "has", "cannot", "keys")
# Composed of a key or a cell, and an error that has its own text.
MADE_OF_PARTS = {"keys {}", "{}{}: {}"}
ITALIAN = tomllib.loads(Path("services/console/faults_it.toml").read_text())


def shape_of(node: ast.AST) -> str:
    """The text of a literal, with {} for filled-in values; "" for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
        return "".join(map(str, parts))
    return ""


def literals(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) > 1:
            name = getattr(node.func, "id", "")
            if name in {"invalid", "FieldViolation"}:
                yield shape_of(node.args[1])


def checked(tree: ast.AST) -> Iterator[str]:
    inner = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Return | ast.Lambda):
            for part in ast.walk(node):
                text = "" if id(part) in inner else shape_of(part)
                if text.split(" ")[0] in BEGINNINGS and " " in text:
                    yield text


@cache
def shapes() -> set[str]:
    sources = [*Path("libs").glob("*.py")]
    sources += [path for name in NAMES for path in Path("services", name).rglob("*.py")]
    code = {path: path.read_text() for path in sources}
    trees = [ast.parse(text) for text in code.values() if CALLED.search(text)]
    found = {text for tree in trees for text in literals(tree)}
    checks = [ast.parse(code[Path(f"libs/{name}.py")]) for name in CHECKS]
    found |= {text for tree in checks for text in checked(tree)}
    return found - {""} - MADE_OF_PARTS


def test_every_field_error_of_the_services_has_an_italian_text():
    found = shapes()
    assert len(found) > 100
    assert sorted(found - ITALIAN.keys()) == []


def test_every_italian_text_belongs_to_a_field_error():
    assert sorted(ITALIAN.keys() - shapes()) == []


@pytest.mark.parametrize("shape", ITALIAN)
def test_values_are_filled_into_the_translated_text(shape: str):
    values = [f"value{place}" for place in range(shape.count("{}"))]
    italian = texts.fault(shape.format(*values), "it")
    assert italian == ITALIAN[shape].format(*values)
    assert all(value in italian for value in values)
    assert texts.fault(shape.format(*values), "en") == shape.format(*values)


def test_an_untranslated_error_is_shown_unchanged():
    assert texts.fault("looks odd", "it") == "looks odd"


async def test_an_italian_page_explains_a_field_error_in_italian(console: Console):
    wrong = InvalidArgument(violations=[FieldViolation("name", "must have at most 100 characters")])
    console.services.answers["CreatePaymentLink"] = wrong
    console.cookies["incasso-language"] = "it"
    fields = {"amount": "12", "description": "x", "order_reference": LINK_ID, "name": "G"}
    _, _, page = await console.post("/links/new", fields)
    assert "deve avere al massimo 100 caratteri" in page
