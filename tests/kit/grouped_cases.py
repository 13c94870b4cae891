"""Groups many cases of one property into one test.

Every test costs pytest and its workers 3 ms: for thousands of tests, that is more than the checks themselves.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Self

import pytest

Case = tuple[dict[str, Any], str]  # arguments, name


def grouped(
    names: str, cases: Iterable[Any], *, by: Callable[..., str], ids: Callable[..., str] = str
) -> Callable[[Any], pytest.MarkDecorator]:
    """Like `pytest.mark.parametrize`, but with one test for all cases to which `by` gives the same name.

    All cases run, and failing ones are reported by their `ids`. `by` and `ids` take the arguments
    listed in `names`. All cases of a test share its fixtures and their state.
    """
    arguments = [name.strip() for name in names.split(",")]
    groups: dict[str, list[Case]] = {}
    for case in cases:
        values = case if len(arguments) > 1 else (case,)
        named = dict(zip(arguments, values, strict=True))
        groups.setdefault(by(*values), []).append((named, ids(*values)))

    def decorate(test: Any) -> Any:
        return pytest.mark.parametrize("cases", list(groups.values()), ids=list(groups))(
            _of_cases(test, arguments)
        )

    return decorate


def _of_cases(test: Any, arguments: Sequence[str]) -> Any:
    """A test that takes a list of cases instead of these arguments."""

    @wraps(test)
    async def waiting(cases: list[Case], **fixtures: Any) -> None:
        with _Failures(len(cases)) as failures:
            for case, name in cases:
                with failures.kept(name):
                    await test(**fixtures, **case)

    @wraps(test)
    def plain(cases: list[Case], **fixtures: Any) -> None:
        with _Failures(len(cases)) as failures:
            for case, name in cases:
                with failures.kept(name):
                    test(**fixtures, **case)

    found: Any = waiting if inspect.iscoroutinefunction(test) else plain
    signature = inspect.signature(test)
    kept = [one for name, one in signature.parameters.items() if name not in arguments]
    cases = inspect.Parameter("cases", inspect.Parameter.KEYWORD_ONLY)
    found.__signature__ = signature.replace(parameters=[*kept, cases])
    return found


class _Failures:
    """Collects failures and raises them together, once all cases have run."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._errors: list[Exception] = []

    def __enter__(self) -> Self:
        return self

    @contextmanager
    def kept(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the other cases must still run
            error.add_note(f"in the case of {name}")
            self._errors.append(error)

    def __exit__(self, *_: object) -> None:
        if self._errors:
            message = f"{len(self._errors)} of {self._count} cases failed"
            raise ExceptionGroup(message, self._errors)
