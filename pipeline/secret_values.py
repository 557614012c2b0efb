"""The values of build secrets, what each may look like elsewhere, and texts without them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

LEAST = 8
"""Bytes of a secret that is looked for in layers: a shorter one may be there by chance."""
LEAST_MASKED = 4
"""Characters of what is masked: to mask a shorter text would make every line unreadable."""
MASK = "***"


class SecretValues:
    """Values by id. Its own text shows ids only, so that no trace or message can tell a value."""

    def __init__(self, values: Mapping[str, bytes]) -> None:
        self._values = dict(values)
        self._pattern = _pattern(self._values.values())

    def __repr__(self) -> str:
        """The ids."""
        return f"SecretValues({', '.join(self.ids)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """What is known."""
        return tuple(self._values)

    def __getitem__(self, secret: str) -> bytes:
        """The value of one. Raises KeyError."""
        return self._values[secret]

    def masked(self, text: str) -> str:
        """The text with *** in the place of every value."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def forms(self, ids: Iterable[str]) -> dict[str, tuple[bytes, ...]]:
        """What to look for in files, by id; nothing of values that are too short."""
        return {secret: _forms(self._values[secret]) for secret in ids if _is_long_enough(self._values[secret])}

    def within(self, value: Any, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Each id whose value is in a text of this data, with the path of keys that leads there."""
        forms = {secret: [form.decode(errors="replace") for form in each] for secret, each in self.forms(ids).items()}
        for path, text in _texts(value) if forms else ():
            yield from ((secret, path) for secret, each in forms.items() if any(form in text for form in each))


def _is_long_enough(value: bytes) -> bool:
    return len(value.strip()) >= LEAST


def _forms(value: bytes) -> tuple[bytes, ...]:
    """A value without the space around it: as it is, quoted for a URL, and in base64."""
    core = value.strip()
    return tuple(dict.fromkeys((core, _in_address(core), *_in_base64(core))))


def _in_address(core: bytes) -> bytes:
    """As it stands in a URL: what is not unreserved (RFC 3986) is a percent sign and two digits."""
    return re.sub(rb"[^A-Za-z0-9._~-]", lambda match: b"%%%02X" % match[0][0], core)


def _in_base64(core: bytes) -> Iterator[bytes]:
    """The characters that tell the value alone, wherever it begins in what was encoded ("user:" may go before it)."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + core).rstrip(b"=")
        complete = (before + len(core)) % 3 == 0
        told = encoded[(0, 2, 3)[before] : None if complete else -1]
        yield told
        yield told.translate(bytes.maketrans(b"+/", b"-_"))


def _pattern(values: Iterable[bytes]) -> re.Pattern[str] | None:
    """Finds every form of every value, the longest first."""
    forms = {form for value in values for form in _shown(value) if len(form) >= LEAST_MASKED}
    if not forms:
        return None
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form))))


def _shown(value: bytes) -> Iterator[str]:
    """What a value may look like in a message: also escaped, and line by line where it has several."""
    if _is_long_enough(value):
        yield from (form.decode(errors="replace") for form in _forms(value))
    text = value.decode(errors="replace").strip()
    lines = [line.strip() for line in text.splitlines()]
    for each in (text, *(line for line in lines if len(line) >= LEAST)):
        yield each
        yield json.dumps(each)[1:-1]
        yield json.dumps(each, ensure_ascii=False)[1:-1]
        yield repr(each)[1:-1]


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in data, keys included, with the path that leads there."""
    match value:
        case str():
            yield path, value
        case Mapping():
            for key, each in value.items():
                yield path, str(key)
                yield from _texts(each, f"{path}.{key}" if path else str(key))
        case list() | tuple():
            for each in value:
                yield from _texts(each, path)
        case _:
            pass


NO_SECRETS = SecretValues({})
