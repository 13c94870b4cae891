"""Every refusal is a class with its own reason, and a test covers it."""

import ast
import re
from collections import Counter

from tests.tidy.sources import Source, shipped, sources


def refusals() -> list[tuple[Source, str, str]]:
    """(file, class, reason) of each class that states a reason, as a class keyword or in its body."""
    found: list[tuple[Source, str, str]] = []
    for source in shipped():
        if source.role != "errors" or source.service == "sandbox":
            continue
        found += [
            (source, node.name, reason)
            for node in source.tree.body
            if isinstance(node, ast.ClassDef) and (reason := literal_reason(node))
        ]
    return found


def literal_reason(node: ast.ClassDef) -> str | None:
    for keyword in node.keywords:
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    for statement in node.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        target = statement.target if isinstance(statement, ast.AnnAssign) else target
        if isinstance(target, ast.Name) and target.id == "reason":
            value = statement.value
            return value.value if isinstance(value, ast.Constant) else None
    return None


def test_every_refusal_appears_in_a_test():
    tests = "\n".join(source.text for source in sources() if source.parts[0] == "tests")
    untested = [
        f"{source.path}: {name}"
        for source, name, reason in refusals()
        if not re.search(rf"\b{name}\b|[\"']{reason}[\"']", tests)
    ]
    assert untested == []


def test_reasons_are_unique_within_a_service():
    counted = Counter((source.path.parts[:2], reason) for source, _, reason in refusals())
    assert [key for key, count in counted.items() if count > 1] == []


def test_reasons_are_snake_case():
    assert [r for _, _, r in refusals() if not re.fullmatch(r"[a-z][a-z0-9_]*", r)] == []
