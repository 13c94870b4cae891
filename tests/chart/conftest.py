"""Installs the tools that check the chart, even without `make tools`."""

import pytest

from stack import tools


@pytest.fixture(scope="session", autouse=True)
def present():
    tools.main()
