"""Stubs of the contracts: importable, complete, and the google protos that buf needs."""

import subprocess
import sys

from stack.contracts import PROTOS, ROOT, STUBS, fingerprint, proto_files, unpack_google_protos


def test_every_proto_has_its_stubs():
    for path in proto_files():
        base = STUBS / path.relative_to(PROTOS).with_suffix("")
        for ending in ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi"):
            assert base.with_name(base.name + ending).exists()


def test_stubs_are_importable_without_configuration():
    done = subprocess.run(
        [sys.executable, "-c", "from incasso.payments.v1 import payments_pb2"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""


def test_google_protos_are_unpacked_with_their_imports(tmp_path):
    unpack_google_protos(PROTOS, tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.proto")}
    assert {"google/api/annotations.proto", "google/api/http.proto"} <= found


def test_the_fingerprint_is_stable():
    assert fingerprint() == fingerprint()
