"""The console of the PSP double: what people do there, and the notices about it."""

from dataclasses import dataclass, field

from services.payments.connectors.base import OperationNotice
from services.payments.rules.outcomes import Approved, DeclineCode
from tests.services.payments.psp_double import (
    AUTHORISE,
    CANCEL,
    CAPTURE,
    REFUND,
    BookedCharge,
    PspDouble,
    declined,
)
from tests.services.payments.psp_webhooks import external_notice


@dataclass
class Console:
    """Each action changes the books, or is refused (None); the test delivers its notice."""

    psp: PspDouble
    numbers: int = 0
    refunds: dict[str, tuple[str, int]] = field(default_factory=dict)  # charge and amount, by name

    def capture(self, charge: str, minor: int) -> OperationNotice | None:
        booked = self.psp.charges[charge]
        if not 0 < minor <= booked.held_minor:
            return None
        booked.captured_minor, booked.held_minor = minor, 0
        self.psp.answers[booked.key] = Approved(charge, minor, captured=True)
        return self._notice(CAPTURE, booked, charge, Approved(self._name("op"), minor))

    def cancel(self, charge: str) -> OperationNotice | None:
        booked = self.psp.charges[charge]
        if not booked.held_minor:
            return None
        booked.held_minor, booked.released = 0, True
        self.psp.answers[booked.key] = declined(DeclineCode.REQUEST_REFUSED, charge)
        return self._notice(CANCEL, booked, charge, Approved(self._name("op"), booked.amount_minor))

    def refund(self, charge: str, minor: int) -> OperationNotice | None:
        booked = self.psp.charges[charge]
        if not 0 < minor <= booked.captured_minor - booked.refunded_minor:
            return None
        booked.refunded_minor += minor
        name = self._name("re")
        self.refunds[name] = (charge, minor)
        return self._notice(REFUND, booked, charge, Approved(name, minor))

    def fail_refund(self, name: str) -> OperationNotice | None:
        """Fails a refund that was made here, at most once each."""
        charge, minor = self.refunds.pop(name, ("", 0))
        if not minor:
            return None
        booked = self.psp.charges[charge]
        booked.refunded_minor -= minor
        no = declined(DeclineCode.REQUEST_REFUSED, name)
        return external_notice(
            self._name("e"),
            REFUND,
            charge,
            no,
            reference=name,
            charge_key=booked.key,
            amount_minor=minor,
        )

    def approve_late(self, charge: str) -> OperationNotice | None:
        booked = self.psp.charges[charge]
        if not booked.released or booked.captured_minor:
            return None
        approved = self.psp.approve_late(booked.key, booked.payment_id, captured=True)
        return OperationNotice(self._name("e"), booked.key, AUTHORISE, charge, approved)

    def _notice(
        self, kind, booked: BookedCharge, charge: str, outcome: Approved
    ) -> OperationNotice:
        return external_notice(
            self._name("e"),
            kind,
            charge,
            outcome,
            reference=outcome.psp_reference,
            charge_key=booked.key,
            amount_minor=outcome.amount_minor,
        )

    def _name(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}_c{self.numbers}"
