"""Run once in the image: byte code of what its processes import, and proof that they can.

Only that: the whole of some libraries is many times what is used of them. An import that needs a development
dependency fails the build.
"""

import importlib
import py_compile
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
LATER = ("pyarrow.parquet",)  # imported by the first report that is written


def main() -> None:
    for process in sorted([*ROOT.glob("services/*/__main__.py"), ROOT / "cli" / "__main__.py"]):
        importlib.import_module(".".join(process.relative_to(ROOT).with_suffix("").parts))
    for name in LATER:
        importlib.import_module(name)
    imported = {getattr(module, "__file__", None) or "" for module in sys.modules.values()}
    ours = {
        str(path)
        for folder in ("cli", "libs", "services")
        for path in ROOT.glob(f"{folder}/**/*.py")
    }
    for source in sorted(imported | ours):
        if source.endswith(".py") and source.startswith(str(ROOT)):
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(source, doraise=True, invalidation_mode=mode)


if __name__ == "__main__":
    main()
