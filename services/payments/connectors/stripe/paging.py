"""Stripe's lists, page by page."""

from collections.abc import AsyncIterator
from typing import Any

import stripe

from services.payments.connectors.stripe import search
from services.payments.connectors.stripe.mapping import Json


async def every(first: stripe.ListObject[Any]) -> AsyncIterator[Json]:
    """All objects of a list. Raises ValueError if there are too many to read."""
    read = 0
    async for found in first.auto_paging_iter():
        read += 1
        if read > search.MOST_READ:
            raise ValueError("too many objects")
        yield found.to_dict()
