"""Files and functions short enough to read in one go, and names that say something."""

import ast
import re

from tests.tidy.sources import ROOT, sources

FILE_LINES = 300
FUNCTION_LINES = 60
# Files and functions that may be longer, with the reason.
LARGE_FILES: dict[str, str] = {
    "libs/formats.py": "holds the ISO 3166 countries, one per line by the formatter",
}
LARGE_FUNCTIONS: dict[str, str] = {}
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def functions():
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{source.path}::{node.name}", node.end_lineno - node.lineno + 1


def test_no_file_is_longer_than_three_hundred_lines():
    sizes = {str(source.path): source.text.count("\n") for source in sources()}
    large = {path: size for path, size in sizes.items() if size > FILE_LINES}
    assert {path: size for path, size in large.items() if path not in LARGE_FILES} == {}
    assert set(LARGE_FILES) <= set(large), "an exception is no longer needed"


def test_no_function_is_longer_than_sixty_lines():
    large = {name: size for name, size in functions() if size > FUNCTION_LINES}
    assert {name: size for name, size in large.items() if name not in LARGE_FUNCTIONS} == {}
    assert set(LARGE_FUNCTIONS) <= set(large), "an exception is no longer needed"


def words(name: str) -> set[str]:
    return set(re.split(r"[_\-.]", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))


def test_no_name_contains_a_meaningless_word():
    wrong = []
    for source in sources():
        names = [*source.parts[:-1], source.path.stem]
        names += [node.name for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
        wrong += [f"{source.path}: {name}" for name in names if words(name) & EMPTY_WORDS]
    assert wrong == []


def test_protos_use_state_instead_of_status():
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "protos").rglob("*.proto"))
        for line in path.read_text().splitlines()
        if re.match(r"\s*(enum\s+\w*Status\b|\w+\s+status\s*=)", line)
    ]
    assert wrong == []
