"""Checks objects against other projects' schemas: Prometheus operator, cert-manager, Gateway API, …

The models of deploy/schemas know each field (TypeScript rejects others) and each pattern (their own validators).
"""

import json
import re
import subprocess

from stack.tools import TOOLS

MODELS = TOOLS / "schemas" / "node_modules" / "@kubernetes-models"
STRICT = (
    *("--noEmit", "--allowJs", "--checkJs", "--strict", "--skipLibCheck", "--pretty", "false"),
    *("--module", "nodenext", "--moduleResolution", "nodenext", "--target", "es2022"),
)
REFUSED = re.compile(r"objects\.mjs\((\d+),\d+\): error (.*)")
JUDGE = """
import * as asked from "./objects.mjs";
for (const [name, one] of Object.entries(asked)) {
  try { one.validate(); } catch (error) { console.log(name.slice(1) + " " + error.message); }
}
"""


def faults(objects, folder):
    """Errors by index in `objects`. `folder` is an empty work folder."""
    models = [model(one) for one in objects]
    found = {place: ["nobody knows its kind"] for place, path in enumerate(models) if path is None}
    known = [(place, path) for place, path in enumerate(models) if path]
    lines = [
        f'import {{ {objects[place]["kind"]} as Kind{place} }} from "{path}"; '
        f"export const _{place} = new Kind{place}({json.dumps(fields(objects[place]))});\n"
        for place, path in known
    ]
    (folder / "objects.mjs").write_text("".join(lines))
    (folder / "judge.mjs").write_text(JUDGE)
    (folder / "node_modules").symlink_to(MODELS.parent)
    typed = output_of(folder, "node_modules/typescript/bin/tsc", *STRICT, "objects.mjs")
    for line, error in REFUSED.findall(typed):
        found.setdefault(known[int(line) - 1][0], []).append(error)
    for answer in output_of(folder, "judge.mjs").splitlines():
        place, _, error = answer.partition(" ")
        found.setdefault(int(place), []).append(error)
    return found


def model(one):
    """The import path of the model of its kind; None if there is none."""
    files = list(MODELS.glob(f"*/{one['apiVersion']}/{one['kind']}.js"))
    return f"@kubernetes-models/{files[0].relative_to(MODELS)}"[:-3] if files else None


def fields(one):
    return {name: value for name, value in one.items() if name not in {"apiVersion", "kind"}}


def output_of(folder, *command):
    done = subprocess.run(
        ["node", *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.stdout
