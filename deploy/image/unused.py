"""Run once in the image, before compile.py: removes parts of packages that no process uses, a sixth of all.

What is removed and needed after all fails the build: compile.py imports every process then. A pattern that finds
nothing fails it, too.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

# Below site-packages.
UNUSED: Final = (
    "pyarrow/_flight.*",  # Arrow's RPC, and files in S3: reports are written as Parquet, to the disk
    "pyarrow/libarrow_flight.so*",
    "pyarrow/libarrow_python_flight.so*",
    "pyarrow/_s3fs.*",
    "pyarrow/libarrow_s3.so*",
    "pyarrow/include",  # for building against it
    "pyarrow/src",
    "phonenumbers/geodata",  # where a number is from; we only read and check numbers
    "phonenumbers/carrierdata",
    "phonenumbers/tzdata",
    "twilio/rest",  # one message is sent by our own client
)


def found(site_packages: Path) -> dict[str, list[Path]]:
    """By pattern: what it stands for."""
    return {pattern: sorted(site_packages.glob(pattern)) for pattern in UNUSED}


def main(root: Path) -> None:
    (site_packages,) = root.glob("lib/python3.*/site-packages")
    for pattern, paths in found(site_packages).items():
        if not paths:
            sys.exit(f"deploy/image/unused.py: there is no {pattern}")
        for path in paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
