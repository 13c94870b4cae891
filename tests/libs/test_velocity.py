"""Shoppers are counted by address or network, which cannot be read back from a counter."""

import pytest
from cryptography.fernet import Fernet

from libs import networks
from libs.payments import velocity
from libs.proofs import Proofs

KEYS = [Fernet.generate_key().decode() for _ in range(2)]


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_shopper_is_identified_by_address_or_network(ip: str, network: str):
    assert networks.of(ip) == network


def test_an_invalid_address_is_refused():
    with pytest.raises(ValueError, match="unknown"):
        networks.of("unknown")


def test_an_address_hash_is_equal_on_every_replica_and_depends_on_the_keys():
    one, replica = (Proofs(velocity.LABEL, KEYS) for _ in range(2))
    proof = velocity.of_address(one, "2001:db8:1:2::3")
    assert proof == velocity.of_address(replica, "2001:db8:1:2:9::4")
    assert proof != velocity.of_address(Proofs(velocity.LABEL, KEYS[1:]), "2001:db8:1:2::3")
    assert velocity.of_clicking_address(one, "2001:db8:1:2::3") == f"clicking_{proof}"
    assert "2001" not in proof.partition(":")[0]
