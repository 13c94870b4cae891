"""A database with the chassis' tables, and a separate bus."""

import pytest

from libs import bus as buses
from libs import db
from tests.kit.database_reset import DatabaseReset


@pytest.fixture(scope="module")
async def emptied(new_module_database):
    found = await db.connect(new_module_database("libs"), pool_size=10, service="test")
    yield DatabaseReset(found)
    await found.close()


@pytest.fixture
async def database(emptied: DatabaseReset):
    return await emptied.empty()


@pytest.fixture
async def bus(fresh_nats_url):
    found = await buses.connect(fresh_nats_url, service="test")
    yield found
    await found.close()
