"""By how much this process has grown, as Linux tells it."""

import re
from pathlib import Path
from typing import Final

MEBI: Final = 1024  # of the kibibytes that Linux tells


def grown() -> int:
    """The most that the process has held, in KiB: of getrusage it is also that of whoever started it."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0])


def settle() -> int:
    """What it holds, in KiB; its most is counted anew from now on."""
    Path("/proc/self/clear_refs").write_text("5")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())[0])
