"""The refusal of a call."""

from collections.abc import Awaitable
from typing import Any

import pytest

from libs.errors import RemoteRefusal


async def refused(work: Awaitable[Any], *, whole: bool = False) -> Any:
    """The reason of the refusal, or the `whole` refusal."""
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value if whole else caught.value.reason
