"""docs/security.md agrees with the contracts and the code."""

from stack import security


def test_the_generated_parts_of_the_security_page_are_current():
    page = security.FILE.read_text()
    assert security.current(page) == page, "run `make security`"


def test_the_security_page_has_every_generated_section():
    found = [name for _, name, _ in security.SECTION.findall(security.FILE.read_text())]
    assert {"callers", "events", "databases", "kept"} <= set(found)
