"""Data shown together is read from one snapshot: a page that read its plan before a payment and its instalments after
it said that nothing was charged.
"""

import ast

from tests.tidy.sources import sources

# Functions that may read in several snapshots, by file below `services`.
MAY = {
    ("merchants/flows/merchants.py", "create_merchant"): "one transaction created the rows",
    ("merchants/flows/sessions.py", "list_memberships"): "takes a lock, as for a change",
    ("merchants/flows/sessions.py", "list_sessions"): "takes a lock, as for a change",
    ("merchants/flows/sign_in.py", "reauthenticate_with_identity"): "takes a lock, as for a change",
    ("merchants/flows/sign_in.py", "reauthenticate_with_password"): "takes a lock, as for a change",
    ("oneclick/flows/charge.py", "resume"): "writes",
    ("oneclick/flows/undo.py", "_find"): "a charge keeps its session, whose secret never changes",
    ("paylink/flows/opening.py", "shown_payment"): "the second read replaces the first",
    (
        "payments/flows/recovery.py",
        "recover_attempt",
    ): "its outcome is recorded on the rows as they are then",
    ("payments/flows/refresh.py", "refresh_payment"): "writes",
    ("reporting/flows/rebuilding.py", "build"): "writes",
    ("cod/flows/refund_exports.py", "get_file"): "a file never changes",
    ("instalments/flows/documents.py", "get_document"): "a document never changes",
}


def several(function):
    """Whether it reads more than once on a connection without a transaction."""
    return any(
        isinstance(node, ast.AsyncWith)
        and any(reads(node, item) > 1 for item in node.items if is_connection(item.context_expr))
        for node in ast.walk(function)
    )


def is_connection(expression):
    return (
        isinstance(expression, ast.Call)
        and isinstance(expression.func, ast.Attribute)
        and expression.func.attr == "connection"
    )


def reads(block, item):
    """The number of calls that receive the connection."""
    name = ast.unparse(item.optional_vars)
    return sum(
        isinstance(node, ast.Call) and name in {ast.unparse(argument) for argument in node.args}
        for node in ast.walk(block)
    )


def test_only_listed_flows_read_by_several_statements_without_a_snapshot():
    found = {
        ("/".join(source.parts[1:]), function.name)
        for source in sources()
        if source.parts[0] == "services" and "flows" in source.parts
        for function in ast.walk(source.tree)
        if isinstance(function, ast.AsyncFunctionDef) and several(function)
    }
    assert found == set(MAY)
