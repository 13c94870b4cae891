"""What a call was refused with."""

from collections.abc import Awaitable
from typing import Any

import pytest

from libs.errors import RemoteRefusal


async def refused(work: Awaitable[Any], *, whole: bool = False) -> Any:
    """The reason; the `whole` refusal on wish."""
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value if whole else caught.value.reason
