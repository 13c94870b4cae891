"""How much memory a process has gained, as reported by Linux: this one, or one by its id."""

import re
from pathlib import Path
from typing import Final

MEBI: Final = 1024  # Linux reports kibibytes


def grown(pid: int | str = "self") -> int:
    """The process's peak memory, in KiB. getrusage would include its parent's peak."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[0])


def settle(pid: int | str = "self") -> int:
    """Its current memory, in KiB; also resets its peak."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[0])
