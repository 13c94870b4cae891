"""By how much a process has grown, as Linux tells it: this one, or one by its id."""

import re
from pathlib import Path
from typing import Final

MEBI: Final = 1024  # of the kibibytes that Linux tells


def grown(pid: int | str = "self") -> int:
    """The most that the process has held, in KiB: of getrusage it is also that of whoever started it."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[0])


def settle(pid: int | str = "self") -> int:
    """What it holds, in KiB; its most is counted anew from now on."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[0])
