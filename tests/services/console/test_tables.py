"""Tables on a phone: each row becomes a card, so each cell needs the name of its column."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from services.console.routes import PAGES
from tests.services.console.conftest import Console
from tests.services.console.test_routes import path_of

ON_A_PHONE = {"cards", "list"}  # classes of libs/web/static/parts.css


@dataclass
class Table:
    """`columns`: names in the head. `rows`: each cell's tag and label."""

    classes: set[str]
    names_hidden: bool = False
    columns: list[str] = field(default_factory=list)
    rows: list[list[tuple[str, str]]] = field(default_factory=list)

    @property
    def explains_itself(self) -> bool:
        """Whether it needs no labels: it has no column names on a desktop either, or checkboxes."""
        return not self.columns or self.names_hidden or "ticks" in self.classes


class Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Table] = []
        self._in_head = False
        self._in_name = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        classes = set(has.get("class", "").split())
        if tag == "table":
            self.found.append(Table(classes))
        elif tag == "thead":
            self._in_head = True
            self.found[-1].names_hidden = "hidden" in classes
        elif tag == "tr" and not self._in_head:
            self.found[-1].rows.append([])
        elif tag in ("th", "td") and self._in_head:
            self.found[-1].columns.append("")
            self._in_name = True
        elif tag in ("th", "td"):
            self.found[-1].rows[-1].append((tag, has.get("data-label", "")))

    def handle_data(self, data: str) -> None:
        if self._in_head and self._in_name:
            self.found[-1].columns[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "thead":
            self._in_head = False
        elif tag in ("th", "td"):
            self._in_name = False


def faults_of(table: Table) -> list[str]:
    if table.explains_itself:
        return []
    if not table.classes & ON_A_PHONE:
        return [f"is neither of {sorted(ON_A_PHONE)}: {table.columns}"]
    wanted = [name.strip() for name in table.columns]
    return [
        f"{wanted} for {row}"
        for row in table.rows
        if len(row) != len(wanted)
        or any(
            tag == "td" and name != label for (tag, label), name in zip(row, wanted, strict=True)
        )
    ]


async def test_every_table_cell_is_labelled_with_its_column(console: Console):
    faults, seen = [], 0
    for page in PAGES:
        if page.changes or page.is_file:
            continue
        reader = Tables()
        reader.feed(await console.page(path_of(page)))
        seen += sum(bool(table.rows) and not table.explains_itself for table in reader.found)
        faults += [f"{page.path}: {fault}" for table in reader.found for fault in faults_of(table)]
    assert faults == []
    assert seen > 30
