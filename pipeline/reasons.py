"""Why a layer has to be built, in words: its inputs compared with those of the last time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

NO_RECORD = "no record of an earlier build"
GONE = "the engine has it no longer"
BASE_MOVED = "the base moved"
BELOW_CHANGED = "what is below it changed"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a layer is made of: the key of the one below ("" where it is not known), digests of inputs by name.

    `shown` are values that may be read by anybody.
    """

    below: str
    digests: Mapping[str, str]
    shown: Mapping[str, str] = field(default_factory=dict)


def changes(before: Inputs | None, now: Inputs, places: Mapping[str, str], *, first: bool) -> tuple[str, ...]:
    """What is different, sorted by kind and name; none where both are the same.

    `places` are the folders of roles by name; `first` is whether the layer stands on the base itself.
    """
    if before is None:
        return (NO_RECORD,)
    found = list(dict.fromkeys(_differences(before, now, places)))
    if before.below and now.below and before.below != now.below:
        found.append(BASE_MOVED if first else BELOW_CHANGED)
    return tuple(found)


def _differences(before: Inputs, now: Inputs, places: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.digests.keys() | now.digests.keys()):
        if before.digests.get(name) == now.digests.get(name):
            continue
        kind, _, rest = name.partition(" ")
        if name not in before.digests:
            verb = "is new"
        elif name not in now.digests:
            verb = "is gone"
        else:
            verb = "changed" + _values(before.shown.get(name), now.shown.get(name))
        match kind:
            case "conductor":
                yield "the conductor changed"
            case "file":
                yield f"{_place(rest, places)} {verb}"
            case _:
                yield f"{rest or kind} {verb}"


def _values(before: str | None, now: str | None) -> str:
    return "" if before is None or now is None else f": {before} → {now}"


def _place(path: str, places: Mapping[str, str]) -> str:
    role, _, rest = path.partition("/")
    return f"{places[role]}/{rest}" if role in places else path.removeprefix("/src/")
