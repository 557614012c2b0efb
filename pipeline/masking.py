"""Events without the values of build secrets: whatever a play, a tool or an error says, before it is shown or kept."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from pipeline.events import Event, Sink
from pipeline.secret_values import SecretValues

_NAMES = frozenset("step steps service services stage role run_id".split())
"""Fields that join events to one another, and say only what the recipe says itself."""


def masking(emit: Sink, secrets: SecretValues) -> Sink:
    """A sink that takes the values out of every event; `emit` itself where there are none."""
    if not secrets.ids:
        return emit
    return lambda event: emit(masked_event(event, secrets))


def masked_event(event: Event, secrets: SecretValues) -> Event:
    """The same event with *** in the place of values."""
    masked: Event = _masked(event, secrets)
    return masked


def hide(error: BaseException, secrets: SecretValues) -> None:
    """Take the values out of what an unexpected error, and those that it came of, say for themselves."""
    seen: list[BaseException] = []
    left = [error]
    while left:
        each = left.pop()
        if each not in seen:
            seen.append(each)
            each.args = _masked(each.args, secrets)
            left += [other for other in (each.__cause__, each.__context__) if other]


def _masked(value: Any, secrets: SecretValues) -> Any:
    if isinstance(value, str):
        return secrets.masked(value)
    if isinstance(value, tuple):
        return tuple(_masked(each, secrets) for each in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {
        each.name: _masked(getattr(value, each.name), secrets) for each in fields(value) if each.name not in _NAMES
    }
    return replace(value, **changed)
