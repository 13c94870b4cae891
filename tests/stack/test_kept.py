"""The page of what is kept how long is the one that the services' rules make."""

from stack import kept


def test_the_page_is_up_to_date():
    assert kept.PAGE.read_text() == kept.page(), "run: python -m stack.kept"
