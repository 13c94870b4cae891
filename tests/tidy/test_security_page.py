"""docs/security.md agrees with the contracts and the code."""

from stack import security


def test_the_generated_parts_of_the_security_page_are_current():
    page = security.FILE.read_text()
    assert security.current(page) == page, "run `make security`"


def test_every_part_is_on_the_page():
    found = [name for _, name, _ in security.SECTION.findall(security.FILE.read_text())]
    assert {"callers", "events", "databases", "kept"} <= set(found)
