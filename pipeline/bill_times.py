"""The time of an image, as the writers of bills want it."""

from __future__ import annotations

from datetime import UTC, datetime

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def moment(created: str) -> datetime:
    """An RFC 3339 time to the second, in UTC; the beginning of time where an image does not say when it was made."""
    try:
        found = datetime.fromisoformat(_without_fraction(created))
    except ValueError:
        return _BEGINNING
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def stamp(when: datetime) -> str:
    """A time as RFC 3339 in UTC, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_fraction(text: str) -> str:
    """Engines write nanoseconds, which Python does not read."""
    head, dot, rest = text.partition(".")
    return head + rest.lstrip("0123456789") if dot else text
