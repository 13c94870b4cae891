"""Answers of the PSPs as files: recorded/<psp>_<what>.json.

The sandbox's were recorded from it. Stripe's were written after the documentation of the pinned API
version, since no Stripe account takes part in the tests; a test compares their fields with the SDK.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"


def recorded(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())
