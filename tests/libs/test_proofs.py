"""Proofs are equal only for the same key, label and text."""

from cryptography.fernet import Fernet

from libs.proofs import Proofs

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_a_proof_is_stable_and_survives_a_key_rotation():
    before = Proofs("a", [OLD]).of("ocs_1")
    assert before == Proofs("a", [OLD]).of("ocs_1")
    assert before in Proofs("a", [NEW, OLD]).all_of("ocs_1")
    assert Proofs("a", [NEW, OLD]).of("ocs_1") == Proofs("a", [NEW]).of("ocs_1")


def test_another_text_label_or_key_gives_another_proof():
    found = {
        Proofs(label, [key]).of(text)
        for label in ("a", "b")
        for key in (OLD, NEW)
        for text in ("ocs_1", "ocs_2")
    }
    assert len(found) == 8
