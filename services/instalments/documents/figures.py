"""A plan's figures as text: amounts, days, rates, and payment intervals."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from libs import display
from libs.money import Money, exponent
from services.instalments.documents.model import Plan, Proposed
from services.instalments.documents.wording import Shown, Wording, wording_of
from services.instalments.rules import withdrawal
from services.instalments.rules.terms import Unit

FORTNIGHT: Final = 14
MOST_AMOUNTS: Final = 3  # listed in a sentence; if there are more, only smallest and largest


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a proposal in one language, also for offers, pages and messages. All methods
    return text.
    """

    plan: Proposed

    @property
    def words(self) -> Wording:
        return wording_of(self.plan.locale)

    def amount(self, money: Money) -> str:
        return display.amount(money, self.plan.locale)

    def minor(self, amount_minor: int) -> str:
        return self.amount(self.plan.money(amount_minor))

    def day(self, on: date) -> str:
        return display.day(on, self.plan.locale)

    def due(self, on: date) -> str:
        """A date in the schedule, marked if it is the day of signing."""
        if on > self.plan.issued_on:
            return self.day(on)
        return f"{self.day(on)} ({self.words.say('schedule.signing')})"

    def rate(self, percent: Decimal) -> str:
        return display.percent(percent, self.plan.locale)

    def payments(self) -> str:
        """`3 instalments of €50.00 every month, from … to …`."""
        parts, say = self.plan.parts, self.words.say
        first, last = self.day(parts[0].due_on), self.day(parts[-1].due_on)
        amounts = Counter(part.total_minor for part in parts)
        if len(parts) == 1:
            return say("figures.single", amount=self.minor(parts[0].total_minor), first=first)
        values = {"count": str(len(parts)), "every": self.every(), "first": first, "last": last}
        if len(amounts) == 1:
            return say("figures.equal", amount=self.minor(parts[0].total_minor), **values)
        return say("figures.unequal", amounts=self._amounts(amounts), **values)

    def _amounts(self, counted: "Counter[int]") -> str:
        """The amounts in order of payment."""
        if len(counted) > MOST_AMOUNTS:
            least, most = self.minor(min(counted)), self.minor(max(counted))
            return self.words.say("figures.range", least=least, most=most)
        return ", ".join(
            self.words.say("figures.times", count=str(count), amount=self.minor(amount))
            for amount, count in counted.items()
        )

    def every(self) -> str:
        every, say = self.plan.schedule.every, self.words.say
        if every.unit is Unit.DAY and every.n == FORTNIGHT:
            return say("every.weeks", n="2")
        unit = every.unit.value
        return say(f"every.{unit}") if every.n == 1 else say(f"every.{unit}s", n=str(every.n))

    def by_class(self, key: str, **values: str) -> str:
        """The text for the plan's class, for all plans, or for all that lend money."""
        return self.words.say(self._of_class(key), **values)

    def _of_class(self, key: str) -> str:
        found = (f"{key}.{of}" for of in (self.plan.plan_class.value, "both", "credit"))
        return next(key for key in found if key in self.words.texts)

    def costs(self, key: str, *, none: str) -> str:
        plan = self.plan
        if plan.cost.amount_minor == 0:
            return self.words.say(none)
        return self.words.say(
            key,
            interest=self.amount(plan.interest),
            fees=self.amount(plan.fees),
            upfront=self.minor(plan.schedule.upfront_fee_minor),
            taeg=self.rate(plan.taeg),
        )

    def legal(self) -> str:
        """The legal sentence for the plan's class, with the article. "Directive (EU)" is translated:
        regimes cite it in English.
        """
        plan, say = self.plan, self.words.say
        cited = plan.classification.article.replace("Directive (EU)", say("legal.directive"))
        return say(f"legal.{plan.plan_class.value}", article=cited)

    def warning(self) -> str:
        """Empty if the law requires none."""
        return self.words.say("legal.warning") if self.plan.classification.warning else ""

    def example(self) -> str:
        """The representative example, which is this very plan."""
        plan = self.plan
        return self.words.say(
            "legal.example",
            credit=self.amount(plan.credit),
            payments=self.payments(),
            rate=self.rate(plan.nominal_rate),
            taeg=self.rate(plan.taeg),
            cost=self.amount(plan.cost),
            total=self.amount(plan.total),
        )


@dataclass(frozen=True, slots=True)
class PlanFigures(Figures):
    """The figures of a plan that a creditor proposes to a shopper."""

    plan: Plan

    def consent(self) -> Shown:
        """What a shopper accepts, in one sentence, with its evidence."""
        plan = self.plan
        return self.words.shown(
            self._of_class("consent"),
            count=str(len(plan.parts)),
            taeg=self.rate(plan.taeg),
            total=self.amount(plan.total),
            creditor=plan.creditor.name,
        )

    def interest_a_day(self) -> str:
        """Interest per day on the whole credit, with more decimals than the currency: it may be
        less than a cent.
        """
        plan = self.plan
        a_day = withdrawal.interest_per_day(
            plan.credit.amount_minor, plan.schedule.interest_basis_points
        )
        minor = Decimal(a_day.numerator) / a_day.denominator
        major = minor.scaleb(-exponent(plan.price.currency))
        return display.fraction(major, plan.price.currency, plan.locale)

    def withdrawal(self) -> dict[str, str]:
        """Values for sentences about withdrawal: the deadline, when to repay, the cost per day."""
        plan, regime = self.plan, self.plan.regime
        return {
            "until": self.day(plan.withdraw_until) if plan.withdraw_until else "",
            "days": str(regime.withdrawal_days),
            "repay_days": str(regime.repayment_days),
            "daily": self.interest_a_day(),
            "email": plan.creditor.email,
        }

    def late(self) -> str:
        plan = self.plan
        if plan.late_fee_minor == 0:
            return self.words.say("late.none")
        return self.words.say(
            "late.fee",
            days=str(plan.grace_days),
            fee=self.minor(plan.late_fee_minor),
            cap=self.minor(plan.late_fees_most_minor),
        )

    def redress(self) -> str:
        say, creditor = self.words.say, self.plan.creditor
        body = creditor.redress or say("redress.bodies")
        return say("redress.says", creditor=creditor.name, email=creditor.email, body=body)
