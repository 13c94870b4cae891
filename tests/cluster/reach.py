"""What a pod can reach on the cluster."""

import time

from tests.cluster.conftest import RELEASE, kubectl, operators_pod, start

CONNECT = """
import socket, sys
for where in sys.argv[1:]:
    host, port = where.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 5).close()
        print(where, "reached")
    except OSError as error:
        print(where, "not reached:", error)
"""


def reached_from(name, labels, *addresses, release=RELEASE):
    """Whether a pod with these labels can connect, by address."""
    pod = start(operators_pod(name, "sleep", "600", labels=labels, release=release))
    try:
        time.sleep(5)  # policies know a pod's address only once its status has it
        output = kubectl("exec", pod, "--", "python", "-c", CONNECT, *addresses)
    finally:
        kubectl("delete", "pod", pod, "--wait")
    found = dict(line.split(" ", 1) for line in output.splitlines())
    return {address: found[address] == "reached" for address in addresses}


READ = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
"""


def read_from(pod, url):
    """The page, or "" until the policies know the pod's address."""
    try:
        return kubectl("exec", pod, "--", "python", "-c", READ, url)
    except AssertionError:
        return ""
