"""Words of a Dockerfile: quotes taken away and variables filled in, as the engine's builder does it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline.errors import UsageError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CHOICE = re.compile(r":?[-+?]")


class Expander:
    """Fills variables in; what was asked for is kept in `used`, what had no value in `missing`."""

    def __init__(self, variables: Mapping[str, str], escape: str = "\\") -> None:
        self._variables, self._escape = variables, escape
        self.used: set[str] = set()
        self.missing: set[str] = set()

    def expand(self, text: str, *, quotes: bool = True) -> str:
        """The text with its variables' values; `quotes` says whether quotes are taken away or are plain letters.

        Raises UsageError for a substitution that is not known or whose braces do not match.
        """
        return self._expand(text, 0, quotes=quotes, end="")[0]

    def _expand(self, text: str, at: int, *, quotes: bool, end: str) -> tuple[str, int]:
        """Up to the character `end`, or to the text's end; what came out, and where it stopped."""
        out: list[str] = []
        quote = ""
        while at < len(text):
            char = text[at]
            if char == end and not quote:
                return "".join(out), at
            if char == self._escape and quote != "'" and at + 1 < len(text):
                out.append(self._escaped(text[at + 1], quote, quotes=quotes))
                at += 2
            elif char == "$" and quote != "'":
                value, at = self._variable(text, at + 1)
                out.append(value)
            elif quotes and char in "'\"" and quote in ("", char):
                quote = "" if quote else char
                at += 1
            else:
                out.append(char)
                at += 1
        if end:
            raise UsageError(f"a brace is not closed in {text!r}")
        return "".join(out), at

    def _escaped(self, char: str, quote: str, *, quotes: bool) -> str:
        plain = char in ("$", self._escape) if not quotes else not quote or char in ('"', "$", self._escape)
        return char if plain else self._escape + char

    def _variable(self, text: str, at: int) -> tuple[str, int]:
        if not text.startswith("{", at):
            match = _NAME.match(text, at)
            return (self._value(match[0]), match.end()) if match else ("$", at)
        match = _NAME.match(text, at + 1)
        if not match:
            raise UsageError(f"a variable's name is missing in {text!r}")
        name, at = match[0], match.end()
        if text.startswith("}", at):
            return self._value(name), at + 1
        choice = _CHOICE.match(text, at)
        if not choice:
            raise UsageError(f"this substitution of ${{{name}…}} is not known", hint="known are :- - :+ + :? ?")
        other, at = self._expand(text, choice.end(), quotes=True, end="}")
        return self._chosen(name, choice[0], other), at + 1

    def _chosen(self, name: str, choice: str, other: str) -> str:
        value = self._variables.get(name)
        given = value if choice[0] == ":" else value is not None
        self.used |= {name} if name in self._variables else set()
        if choice[-1] == "+":
            return other if given else ""
        if choice[-1] == "?" and not given:
            raise UsageError(f"${name} has no value: {other or 'it is needed'}")
        return (value or "") if given else other

    def _value(self, name: str) -> str:
        (self.used if name in self._variables else self.missing).add(name)
        return self._variables.get(name, "")
