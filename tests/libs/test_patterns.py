"""Every regular expression against texts that cause catastrophic backtracking."""

import ast
import itertools
import re
from functools import partial

from libs import validation
from services.gateway.routes import all_routes
from tests.kit.cost import assert_quick
from tests.tidy.sources import shipped

FEW, SOME, MANY = 28, 400, 4_000  # repetitions that reveal exponential, cubic and quadratic cost
MOST_SECONDS = 0.1


def compiled():
    """Yields (where, pattern) for every literal pattern used in our sources."""
    for source in shipped():
        if "import re\n" not in source.text:
            continue
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in (
                "re.compile",
                "re.fullmatch",
                "re.match",
                "re.search",
                "re.sub",
            ):
                continue
            pattern = node.args[0]
            if isinstance(pattern, ast.Constant):
                yield f"{source.path}:{node.lineno}", pattern.value


def messages(descriptor, seen):
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    yield descriptor
    for field in descriptor.fields:
        if field.message_type is not None:
            yield from messages(field.message_type, seen)


def of_protos():
    seen = set()
    for route in all_routes():
        for message in messages(route.rpc.input_type, seen):
            for field in message.fields:
                if pattern := validation.rules_of(field).pattern:
                    yield field.full_name, pattern


def parts(pattern):
    """The pieces that a nearly matching text may consist of."""
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    marks = sorted({char for char in text if not char.isalnum()} | set('aA0-. @/\\"\n'))
    return [*marks, *("".join(pair) for pair in itertools.product(marks, "a0"))]


def tried(pattern, text):
    if isinstance(pattern.pattern, bytes):
        text = text.encode("latin-1", "replace")
    pattern.fullmatch(text)
    pattern.search(text)


def nearly_matching(pattern):
    for count in (FEW, SOME, MANY):
        for part in parts(pattern):
            for before, after in (("", "\x00"), ("a@", "\x00"), ("a", "!")):
                yield before + part * (count // len(part)) + after


def test_no_regular_expression_backtracks_for_long():
    patterns = [*compiled(), *of_protos()]
    assert len(patterns) > 20
    for where, pattern in patterns:
        known = re.compile(pattern)
        for text in nearly_matching(pattern):
            tries = partial(tried, known, text)
            assert_quick(tries, within=MOST_SECONDS, what=(where, pattern, text[:20]))
