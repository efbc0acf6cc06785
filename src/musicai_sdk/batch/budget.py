"""Budgets: what a ledger may spend, what a job costs by the user's prices, and what has been spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TypeAlias, cast

from typing_extensions import override

from musicai_sdk.errors import InputError
from musicai_sdk.workflows import Workflow

Amount: TypeAlias = Decimal | int | float | str
"""A number of minutes or an amount of money. A float means the decimal number that it prints as: 0.1 is a tenth."""

_MINUTE = 60_000
"""Milliseconds."""
_UNITS = {"min": "per_minute", "job": "per_job"}
_MOST = 10**12
"""No amount reaches this."""
_DIGITS = 100
"""The most decimal places of an amount, which is written out in reports and in the ledger."""
_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True, init=False)
class Price:
    """What a workflow costs, by your contract: the package has no prices of its own, and knows no currency.

    ```python
    prices = {"music-ai/generate-chords": Price(per_minute="0.05"), "acme-mastering": Price(per_job=0.10)}
    ```
    """

    per_minute: Decimal
    """The price of a minute of audio. A part of a minute costs that part."""
    per_job: Decimal
    """The price of a job, in addition to that of its minutes."""

    def __init__(self, *, per_minute: Amount | None = None, per_job: Amount | None = None) -> None:
        """Sets the price of a minute, of a job, or both.

        Raises:
            InputError: neither is given, or one isn't a number of 0 or more.
        """
        if per_minute is None and per_job is None:
            raise InputError("a Price needs per_minute= or per_job=")
        object.__setattr__(
            self, "per_minute", _decimal("per_minute", 0 if per_minute is None else per_minute)
        )
        object.__setattr__(self, "per_job", _decimal("per_job", 0 if per_job is None else per_job))

    @classmethod
    def parse(cls, text: str) -> Price:
        """Reads a price as `str` writes it: `0.05/min`, `0.10/job`, or `0.05/min+0.10/job`.

        Raises:
            InputError: it isn't a price.
        """
        amounts = dict[str, str]()
        for part in text.split("+"):
            amount, _, unit = part.strip().partition("/")
            name = _UNITS.get(unit.strip())
            if name is None or name in amounts:
                raise InputError(f"{text!r} isn't a price: write 0.05/min, 0.10/job, or 0.05/min+0.10/job")
            amounts[name] = amount.strip()
        return cls(per_minute=amounts.get("per_minute"), per_job=amounts.get("per_job"))

    @override
    def __str__(self) -> str:
        amounts = {"min": self.per_minute, "job": self.per_job}
        return "+".join(f"{amount:f}/{unit}" for unit, amount in amounts.items() if amount) or "0/job"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of jobs costs."""

    jobs: int = 0
    """The number of paid requests. Each counts, also one whose answer was lost, because it may be paid. Only one that the
    service refused doesn't; one that the service provably never received counts as one with its repetition."""
    milliseconds: int = 0
    """The length of their audio in milliseconds, as far as it is known."""
    unmeasured: int = 0
    """The number of those jobs whose audio has an unknown length. They aren't in `minutes`, nor with theirs in `money`."""
    price: Price | None = None
    """The price; None if none is known."""

    @property
    def minutes(self) -> float:
        """The length of their audio in minutes, as far as it is known."""
        return self.milliseconds / _MINUTE

    @property
    def money(self) -> Decimal | None:
        """The price of the jobs, in millionths; None without a price.

        It is too low if the price is one for a minute, and `unmeasured` isn't 0.
        """
        return amount(self).quantize(_PLACES).normalize() + 0 if self.price is not None else None

    @override
    def __str__(self) -> str:
        """The cost in words: `20 jobs, 71.3 minutes of audio, a price of 3.57`, and what is unknown."""
        parts = [f"{self.jobs:,} job{'' if self.jobs == 1 else 's'}"]
        if self.jobs > self.unmeasured:
            parts.append(f"{self.minutes:,.1f} minutes of audio")
        if self.money is not None:
            least = (
                "at least " if self.unmeasured and self.price is not None and self.price.per_minute else ""
            )
            parts.append(f"a price of {least}{self.money:,f}")
        if self.unmeasured:
            parts.append(f"{self.unmeasured:,} with audio of unknown length")
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: money is a string, so that no digit is lost."""
        money = f"{self.money:f}" if self.money is not None else None
        minutes = round(self.minutes, 3)
        return {"jobs": self.jobs, "minutes": minutes, "unmeasured": self.unmeasured, "money": money}


def plus(cost: Cost, milliseconds: int | None) -> Cost:
    """The cost with one more job, given the length of its audio."""
    return replace(
        cost,
        jobs=cost.jobs + 1,
        milliseconds=cost.milliseconds + (milliseconds or 0),
        unmeasured=cost.unmeasured + (milliseconds is None),
    )


def changed(cost: Cost, before: Cost, after: Cost) -> Cost:
    """The cost after a part of it has changed."""
    return replace(
        cost,
        jobs=cost.jobs + after.jobs - before.jobs,
        milliseconds=cost.milliseconds + after.milliseconds - before.milliseconds,
        unmeasured=cost.unmeasured + after.unmeasured - before.unmeasured,
    )


def minutes(cost: Cost) -> Decimal:
    """`Cost.minutes`, for comparisons with a limit."""
    return Decimal(cost.milliseconds) / _MINUTE


def amount(cost: Cost) -> Decimal:
    """`Cost.money`, not rounded; 0 without a price."""
    if cost.price is None:
        return Decimal()
    return cost.jobs * cost.price.per_job + cost.milliseconds * cost.price.per_minute / _MINUTE


class OverBudget(Exception):  # noqa: N818 - nothing is wrong with the track
    """The budget doesn't allow the next job. Nothing was recorded or sent."""

    def __init__(self, text: str, *, ends: bool = True, unmeasured: bool = False) -> None:
        super().__init__(text)
        self.ends: bool = ends
        """Whether the budget is reached. Otherwise the run continues with other tracks."""
        self.unmeasured: bool = unmeasured
        """Whether the reason is that the length of the audio is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that a ledger may spend, over all its runs. None sets no limit."""

    max_jobs: int | None = None
    max_minutes: Decimal | None = None
    max_cost: Decimal | None = None
    price: Price | None = None
    """The price of the run's workflow, if the user gave one."""
    whole: Budget | None = None
    """The budget of the run, if this is the part that a shard may spend."""

    @property
    def timed(self) -> bool:
        """Whether the lengths of audio matter."""
        return self.max_minutes is not None or (
            self.max_cost is not None and self.price is not None and self.price.per_minute > 0
        )

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return any(limit is not None for limit in (self.max_jobs, self.max_minutes, self.max_cost))

    def part(self, share: Fraction, own: Cost, total: Cost) -> Budget:
        """The budget of a shard.

        Args:
            share: The shard's share of what is left.
            own: What the shard's tracks have cost.
            total: What all tracks of the run's ledger have cost.
        """
        jobs, time, money = self.max_jobs, self.max_minutes, self.max_cost
        own, total = replace(own, price=self.price), replace(total, price=self.price)

        def portion(left: Decimal) -> Decimal:
            return max(Decimal(), left) * share.numerator / share.denominator

        if jobs is not None:
            jobs = own.jobs + int(portion(Decimal(jobs - total.jobs)))
        if time is not None:
            time = minutes(own) + portion(time - minutes(total))
        if money is not None:
            money = amount(own) + portion(money - amount(total))
        return replace(self, max_jobs=jobs, max_minutes=time, max_cost=money, whole=self)

    def check(self, spent: Cost, milliseconds: int | None) -> None:
        """Checks that one more job may be paid for.

        Args:
            spent: What the ledger has spent.
            milliseconds: The length of the job's audio; None if unknown.

        Raises:
            OverBudget: it may not.
        """
        whole = self.whole or self
        if self.max_jobs is not None and spent.jobs >= self.max_jobs:
            raise OverBudget(f"max_jobs={whole.max_jobs} is reached")
        if self.timed and milliseconds is None:
            names = [name for name in ("max_minutes", "max_cost") if getattr(self, name) is not None]
            reason = (
                f"the length of its audio is unknown, and {' and '.join(names)} would need it: {_MEASURE}"
            )
            raise OverBudget(reason, ends=False, unmeasured=True)
        job = plus(Cost(price=self.price), milliseconds)
        after = plus(replace(spent, price=self.price), milliseconds)
        for name, figure in (("max_minutes", minutes), ("max_cost", amount)):
            limit: Decimal | None = getattr(self, name)
            if limit is not None and figure(after) > limit:
                most = getattr(whole, name)
                if figure(job) > most:
                    raise OverBudget(f"it alone needs more than {name}={most}", ends=False)
                raise OverBudget(f"{name}={most} is reached")


def explained(reached: str) -> str:
    """The message of a run whose budget is reached, given the text of `OverBudget`."""
    return f"{reached}: jobs under way are completed, and the other inputs wait for a run with a higher limit"


_MEASURE = "pass it as audio_seconds in a manifest or in Input(…), install soundfile if it is an MP3, or run without that limit"


def budget(
    slug: str,
    max_jobs: int | None,
    max_minutes: Amount | None,
    max_cost: Amount | None,
    prices: Mapping[str | type[Workflow[Any]], Price] | None,
) -> Budget:
    """The budget of a run, from the arguments of `Batch`.

    Raises:
        InputError: a limit isn't a number of 0 or more, a price isn't a `Price`, or `max_cost` lacks the price.
    """
    table = dict[str, Price]()
    given = cast("object", prices)
    if given is not None and not isinstance(given, Mapping):
        raise InputError(f"prices must map workflow classes or slugs to Price objects, not be {given!r:.100}")
    for workflow, price in (prices or {}).items():
        name = workflow if isinstance(workflow, str) else getattr(workflow, "slug", workflow)
        if not isinstance(name, str):
            raise InputError(
                f"prices must map workflow classes or slugs, not {workflow!r:.100}, to Price objects"
            )
        if not isinstance(cast("object", price), Price):
            raise InputError(
                f"the price of {name!r} must be Price(per_minute=…) or Price(per_job=…), not {price!r:.100}"
            )
        table[name] = price
    count = cast("object", max_jobs)
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        raise InputError(f"max_jobs must be a whole number of 0 or more, or None, not {max_jobs!r:.100}")
    if max_cost is not None and slug not in table:
        raise InputError(f"max_cost needs the price of {slug}: prices={{{slug!r}: Price(per_minute=…)}}")
    return Budget(
        max_jobs=max_jobs,
        max_minutes=None if max_minutes is None else _decimal("max_minutes", max_minutes),
        max_cost=None if max_cost is None else _decimal("max_cost", max_cost),
        price=table.get(slug),
    )


def _decimal(name: str, value: Amount) -> Decimal:
    try:
        # As text, `True` is invalid, and a float has its short form.
        number = Decimal(str(value) if isinstance(value, float | bool) else value)
    except (InvalidOperation, TypeError, ValueError):
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number < _MOST:
        raise InputError(f"{name} must be a number of 0 or more, below {_MOST:,}, not {value!r:.100}")
    if -cast("int", number.as_tuple().exponent) > _DIGITS:
        raise InputError(f"{name} must have at most {_DIGITS} decimal places, unlike {value!r:.100}")
    return number
