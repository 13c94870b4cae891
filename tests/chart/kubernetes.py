"""What Kubernetes' own schemas say about an object, read by a validator that does so in microseconds.

The schemas are those of kubernetes-validate, whose own check reads two megabytes for each object.
"""

import json
from functools import cache
from pathlib import Path

import jsonschema_rs
import kubernetes_validate

# Those of two years.
VERSIONS = ("1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


def faults(one, version):
    """Fields that this version does not know, or knows otherwise."""
    return [
        f"{'.'.join(map(str, found.instance_path))}: {found.message}"
        for found in _validator(one["kind"], one["apiVersion"], version).iter_errors(one)
    ]


@cache
def _validator(kind, api, version):
    group, _, number = api.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.partition(".")[0], number) if part)
    schema = json.loads((_folder(version) / f"{name}.json").read_text())
    return jsonschema_rs.validator_for(
        schema, registry=_definitions(version), base_uri="json-schema:///one.json"
    )


@cache
def _definitions(version):
    found = json.loads((_folder(version) / "_definitions.json").read_text())
    return jsonschema_rs.Registry([("json-schema:///_definitions.json", found)])


def _folder(version):
    (folder,) = SCHEMAS.glob(f"v{version}.*-local-strict")
    return folder
