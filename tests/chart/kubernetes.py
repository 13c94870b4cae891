"""Checks objects against Kubernetes' own schemas, with a validator that takes microseconds.

The schemas come from kubernetes-validate, whose own check reads two megabytes for each object.
"""

import json
import re
from functools import cache
from pathlib import Path

import jsonschema_rs
import kubernetes_validate

SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


def versions_from(oldest):
    """All versions with schemas, from `oldest` on."""
    found = [
        int(found[1])
        for folder in SCHEMAS.iterdir()
        if (found := re.fullmatch(r"v1\.(\d+)\.\d+-local-strict", folder.name))
    ]
    return tuple(f"1.{minor}" for minor in sorted(found) if minor >= int(oldest.split(".")[1]))


def knows(one):
    """Whether its kind is Kubernetes' own."""
    return _file(one["kind"], one["apiVersion"], versions_from("1.0")[-1]).exists()


def faults(one, version):
    """Fields that this version does not know, or defines differently."""
    return [
        f"{'.'.join(map(str, found.instance_path))}: {found.message}"
        for found in _validator(one["kind"], one["apiVersion"], version).iter_errors(one)
    ]


@cache
def _validator(kind, api, version):
    schema = json.loads(_file(kind, api, version).read_text())
    return jsonschema_rs.validator_for(
        schema, registry=_definitions(version), base_uri="json-schema:///one.json"
    )


def _file(kind, api, version):
    group, _, number = api.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.partition(".")[0], number) if part)
    return _folder(version) / f"{name}.json"


@cache
def _definitions(version):
    found = json.loads((_folder(version) / "_definitions.json").read_text())
    return jsonschema_rs.Registry([("json-schema:///_definitions.json", found)])


def _folder(version):
    (folder,) = SCHEMAS.glob(f"v{version}.*-local-strict")
    return folder
