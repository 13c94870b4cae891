"""An entry has the same id in every statement that contains it; two equal entries have different ids."""

import pytest

from libs.statements import identity
from libs.statements.identity import Identities
from libs.statements.model import Entry, Heading, References, Statement
from libs.statements.refusals import RefusedError
from tests.libs.statements.files import DAY, balance, camt, detail, entry, ids, statement

COFFEE = entry("0.70", "DBIT", details=detail("0.70", text="COFFEE"))
TEA = entry("0.90", "DBIT", day="2026-04-08", details=detail("0.90", text="TEA"))


def test_two_equal_entries_of_a_day_have_two_stable_ids():
    first = ids(camt(statement(COFFEE, COFFEE)))
    assert len(set(first)) == 2
    assert ids(camt(statement(COFFEE, COFFEE, name="AGAIN"))) == first


def test_equal_entries_are_distinguished_by_their_bank_references():
    one, two = (entry("0.70", "DBIT", reference=name) for name in ("B1", "B2"))
    assert ids(camt(statement(one, two))) == [*reversed(ids(camt(statement(two, one))))]
    assert len(set(ids(camt(statement(one, one))))) == 2


def test_overlapping_statements_share_the_ids_of_their_common_entries():
    monday = camt(statement(COFFEE, COFFEE, TEA))
    tuesday = camt(statement(TEA, entry("9.00", day="2026-04-09"), name="S2"))
    assert set(ids(monday)) & set(ids(tuesday)) == {ids(monday)[2]}


def test_an_entry_has_one_id_in_report_and_statement_by_its_bank_reference():
    report = camt(
        statement(entry("5.00", reference="B1", details=detail("5.00", text="short")), kind="Rpt"),
        message="BkToCstmrAcctRpt",
    )
    later = camt(statement(entry("5.00", reference="B1", details=detail("5.00", text="in full"))))
    assert ids(report) == ids(later)


def test_overlapping_statements_in_one_file_share_ids():
    first = statement(balance("OPBD", "5.00"), balance("CLBD", "4.30"), COFFEE, name="S1")
    again = statement(balance("OPBD", "5.00"), balance("CLBD", "3.60"), COFFEE, COFFEE, name="S2")
    found = ids(camt(first, again))
    assert found[0] == found[1]
    assert len(set(found)) == 2


def test_consecutive_statements_in_one_file_have_distinct_ids():
    first = statement(balance("OPBD", "5.00"), balance("CLBD", "4.30"), COFFEE, name="S1")
    second = statement(balance("OPBD", "4.30"), balance("CLBD", "3.60"), COFFEE, name="S2")
    assert len(set(ids(camt(first, second)))) == 2


def test_a_statement_repeated_in_a_file_keeps_its_ids():
    same = statement(balance("OPBD", "5.00"), balance("CLBD", "4.30"), COFFEE)
    found = ids(camt(same, same))
    assert found[0] == found[1]


def test_accounts_do_not_share_ids():
    other = "DE89370400440532013000"
    assert not set(ids(camt(statement(COFFEE)))) & set(ids(camt(statement(COFFEE, account=other))))


def test_a_pending_entry_has_a_different_id_than_its_booked_twin():
    assert (
        len(set(ids(camt(statement(entry("1.00"), entry("1.00", state="<Sts>PDNG</Sts>")))))) == 2
    )


class TestManyEntries:
    """Only days that may get more entries are kept in memory."""

    @pytest.fixture
    def identities(self, monkeypatch: pytest.MonkeyPatch) -> Identities:
        monkeypatch.setattr(identity, "MOST_HELD", 3)
        found = Identities()
        found.begin(Statement(Heading(1, "A", "S"), None, None, (), None, (), 0))
        return found

    def line(self, day: int, amount_minor: int) -> Entry:
        return Entry(day, DAY.replace(day=day), None, amount_minor, "EUR", References())

    def test_entries_ordered_by_day_are_not_limited(self, identities: Identities):
        found = [identities.named(self.line(day, n)).id for day in range(1, 20) for n in (1, 1, 2)]
        assert len(set(found)) == len(found)

    def test_a_day_out_of_order_is_refused(self, identities: Identities):
        for day in (1, 2, 3, 4):
            identities.named(self.line(day, 1))
        with pytest.raises(RefusedError, match="not in date order"):
            identities.named(self.line(1, 1))

    def test_the_entries_of_one_day_are_limited(self, identities: Identities):
        for amount in (1, 2, 3):
            identities.named(self.line(1, amount))
        with pytest.raises(RefusedError, match="of one day"):
            identities.named(self.line(1, 4))
