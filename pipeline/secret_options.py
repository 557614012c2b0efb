"""What `--secret` says: where the value of a build secret comes from, in BuildKit's words."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import UsageError

SECRET_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]*"  # noqa: S105 - the form of an id
FORM = "--secret id=NAME[,src=FILE|,env=VARIABLE]"
_FILE, _VARIABLE = ("src", "source"), ("env",)


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from: a file, or a variable of the environment. Neither is said: one called as its id is."""

    id: str
    file: str = ""
    variable: str = ""


def secret_sources(texts: Iterable[str]) -> tuple[SecretSource, ...]:
    """Read the values of all `--secret`. Raises UsageError; a message names no value but those of its own fields."""
    found: dict[str, SecretSource] = {}
    for text in texts:
        source = _source(text)
        if source.id in found:
            raise UsageError(f"--secret: {source.id} is given twice", hint="keep one of the two")
        found[source.id] = source
    return tuple(found.values())


def _source(text: str) -> SecretSource:
    fields = _fields(text)
    secret, kind = fields.pop("id", ""), fields.pop("type", "")
    if not re.fullmatch(SECRET_ID, secret):
        what = f"{secret!r} is no id: letters, digits, _ . and - are allowed" if secret else "has no id"
        raise UsageError(f"--secret: {what}", hint=f"write {FORM}")
    if kind not in ("", "file", "env"):
        raise UsageError(f"--secret id={secret}: there is no type {kind!r}", hint="it is file or env")
    file = next((fields[name] for name in _FILE if fields.get(name)), "")
    variable = fields.get("env", "")
    if kind == "env" and not variable:
        file, variable = "", file
    if file and variable:
        raise UsageError(f"--secret id={secret}: both a file and a variable are given", hint="keep one of the two")
    return SecretSource(secret, file, variable)


def _fields(text: str) -> dict[str, str]:
    """The fields by name: a line of CSV, so that quotes may hold a comma."""
    try:
        (row,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        raise UsageError(
            "--secret: its quotes do not match, or it has none of its fields", hint=f"write {FORM}"
        ) from None
    fields: dict[str, str] = {}
    for field in row:
        name, equals, value = field.partition("=")
        name = name.lower()
        if not equals or name not in ("id", "type", *_FILE, *_VARIABLE):
            # Not the field itself: somebody may have written the secret there.
            known = "id, src, env and type"
            raise UsageError(f"--secret has a field that is none of {known}", hint=f"write {FORM}")
        fields[name] = value
    return fields
