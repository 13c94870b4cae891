"""Answers of the PSPs as they were recorded: recorded/<psp>_<what>.json."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"


def recorded(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())
