"""`python -m stack.kept`: docs/kept.md anew, from the retention.py of each service."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from libs import retention
from libs.retention import BY_RULE, Kept, Rule
from stack.ports import GRPC_SERVICES

PAGE: Final = Path(__file__).parent.parent / "docs" / "kept.md"
_HEAD: Final = """# What is kept how long

Made by `python -m stack.kept` from each service's `retention.py`; a test compares it with the
databases. A column that is not named here holds neither what names a person nor a secret. Whatever is
not deleted by a rule stays: amounts, states, references and times are the books. Legal periods are the
operator's to check.
"""
_TABLE: Final = "| table | columns | goes |\n|---|---|---|"
_RULES: Final = "| table | after | what goes | why |\n|---|---|---|---|"


def page() -> str:
    sections = [_section("every service", retention.chassis("…"))]
    for service in GRPC_SERVICES:
        own = importlib.import_module(f"services.{service.name}.retention").KEPT
        sections.append(_section(service.name, own))
    return "\n".join([_HEAD, *sections])


def _section(name: str, kept: Kept) -> str:
    lines = [f"## In {name}\n", _TABLE, *_columns(kept)]
    if kept.rules:
        lines += ["", _RULES, *map(_rule, kept.rules)]
    return "\n".join([*lines, ""])


def _columns(kept: Kept) -> Iterator[str]:
    for name, table in kept.tables.items():
        for kind, columns in (("names a person", table.personal), ("secret", table.secret)):
            for goes in dict.fromkeys(columns.values()):
                together = ", ".join(f"`{column}`" for column in columns if columns[column] == goes)
                fate = goes.replace(BY_RULE, _after(kept, name))
                yield f"| `{name}`: {table.holds} | {kind}: {together} | {fate} |"


def _after(kept: Kept, table: str) -> str:
    days = [rule.after.days for rule in kept.rules if rule.table == table]
    return f"after {_days(min(days))}" if days else ""


def _days(count: int) -> str:
    return "a day" if count == 1 else f"{count} days"


def _rule(rule: Rule) -> str:
    gone = ", ".join(f"`{column}`" for column in rule.clear if column != "version") or "the row"
    return f"| `{rule.table}` | {_days(rule.after.days)} | {gone} | {rule.why} |"


if __name__ == "__main__":
    PAGE.write_text(page())
