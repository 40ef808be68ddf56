"""How the program says what it does and fails when an answer is wrong: loudly, with what came and what was due."""

from typing import Any, Callable, Type

import gitlab


def step(name: str) -> None:
    """Names what comes next, so that a failure tells how far the program came."""
    print(f"- {name}", flush=True)


def equal(got: Any, wanted: Any) -> None:
    """Fails unless both are equal and of the same type: 1 is not "1", and not True."""
    if got != wanted or type(got) is not type(wanted):
        raise AssertionError(f"got {got!r}, wanted {wanted!r}")


def true(holds: Any, what: str) -> None:
    """Fails unless something holds."""
    if not holds:
        raise AssertionError(what)


def refused(kind: Type[gitlab.exceptions.GitlabError], status: int, call: Callable[[], Any]) -> str:
    """Fails unless the call is refused by exactly this exception and status. Returns what the server said."""
    try:
        answer = call()
    except gitlab.exceptions.GitlabError as error:
        equal((type(error).__name__, error.response_code), (kind.__name__, status))
        true(error.error_message, f"no message with {error!r}")
        return str(error.error_message)
    raise AssertionError(f"not refused ({kind.__name__} {status} was due): {answer!r}")
