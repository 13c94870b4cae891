"""Retention periods as Markdown, from each service's retention.py: `make
security`.
"""

import importlib
from collections.abc import Iterator
from typing import Final

from libs import retention, services
from libs.retention import BY_RULE, Kept, Rule

_TABLE: Final = ("| table | columns | cleared |", "|---|---|---|")
_RULES: Final = ("| table | after | deleted or cleared | why |", "|---|---|---|---|")


def lines() -> Iterator[str]:
    yield from _section("every service", retention.chassis("…"))
    for name in services.NAMES:
        own = importlib.import_module(f"services.{name}.retention").KEPT
        yield ""
        yield from _section(name, own)


def _section(name: str, kept: Kept) -> Iterator[str]:
    yield from (f"### In {name}", "", *_TABLE)
    yield from _columns(kept)
    if kept.rules:
        yield from ("", *_RULES)
        yield from map(_rule, kept.rules)


def _columns(kept: Kept) -> Iterator[str]:
    for name, table in kept.tables.items():
        for kind, columns in (("personal", table.personal), ("secret", table.secret)):
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
