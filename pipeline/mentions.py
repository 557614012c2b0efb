"""Which variables a role can see: those whose names stand in its files, and those that their values lead to.

In the same way it is known whether a role can see facts about its target at all, and whether those are among them
that tell of the machine's hardware, which take longest to gather.

More may count than a role uses (a name in a comment), never less: a role that gets at variables by names that it
makes up (`vars[…]`, `hostvars`, `lookup('vars', …)`, `varnames`, a plugin that is handed all of them) sees all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_WORD = re.compile(rb"[\w.-]+")
_PART = re.compile(r"[.-]+")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# `vars:` and "vars": are keys of tasks, vars/ is a folder; every other use of the word may look anything up.
_ANY_NAME = re.compile(rb"\b(?:hostvars|varnames)\b|\bvars\b(?!['\"]?\s*:|/)")
_HANDED_ALL = re.compile(rb"\b(?:task_vars|variables|available_variables|pass_context|vars)\b")
_COMMENT = re.compile(rb"^#.*", re.MULTILINE)
_RUN_ON_THE_TARGET = ("library", "modules", "module_utils")
"""Folders of a role or collection whose Python is sent to the target, where no variable is known."""

_HARDWARE = (
    rb"(?:processor|mem(?:total|free)_mb|swap(?:total|free)_mb|memory_mb|bios_|board_|chassis_|form_factor|product_"
    rb"|system_vendor|devices?\b|device_links|mounts|lvm|uptime_seconds)"
)
"""Beginnings of the names of Ansible's hardware facts on Linux (ansible-core 2.19, module_utils/facts/hardware)."""
_HARDWARE_BY_NAME = re.compile(rb"\bansible_" + _HARDWARE)
_NO_FACT = rb"(?:managed|check_mode|diff_mode|loop|loop_var|index_var|role_name|become\w*|user)\b"
"""Ends of the names of variables that Ansible sets itself, whatever the target is."""
# A fact by any name; and actions that look into the facts themselves, and gather some again where there are none.
_SEES_FACTS = re.compile(
    rb"\bansible_(?!" + _NO_FACT + rb")|\b(?:package|service|dnf5?|yum)\b(?=['\"]?\s*:)|\b(?:local_)?action\b"
)
_FACT = re.compile(rb"\bansible_facts\b(?:\.(\w+)|\[\s*(?:['\"]|\\\")(\w+))?")

ALWAYS = "ansible_"
"""Variables with this beginning steer Ansible itself, whatever a role mentions."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of some files, names among them; `everything` where variables may be found by other names.

    `facts` says that facts about the target are among the names, or may be, and `hardware` those of the hardware
    collectors.
    """

    words: frozenset[str] = frozenset()
    everything: bool = False
    hardware: bool = False
    facts: bool = False

    def __or__(self, other: Words) -> Words:
        """Those of both."""
        return all_of((self, other))


def all_of(parts: Iterable[Words]) -> Words:
    """Those of many files. One set grows: joining two by two would copy it once for each file."""
    words: set[str] = set()
    everything = hardware = facts = False
    for part in parts:
        words |= part.words
        everything, hardware = everything or part.everything, hardware or part.hardware
        facts = facts or part.facts
    return Words(frozenset(words), everything, hardware, facts)


def words_of(content: bytes, path: str = "") -> Words:
    """The words of one file: whole ("s6-overlay", "item.name") and their parts."""
    whole = {word.decode("ascii", "ignore") for word in _WORD.findall(content)}
    parts = {part for word in whole for part in _PART.split(word)}
    everything = _sees_all(content, path)
    hardware = everything or _sees_hardware(content)
    return Words(frozenset(whole | parts), everything, hardware, hardware or bool(_SEES_FACTS.search(content)))


def visible(variables: Mapping[str, Any], parameters: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """Those of a service's variables that can have a part in what a role with these words and parameters does."""
    found: dict[str, Any] = {}
    known = words | words_of_values(parameters.values())
    while not known.everything:
        more = {name: value for name, value in variables.items() if name not in found and _counts(name, known.words)}
        if not more:
            return found
        found |= more
        known |= words_of_values(more.values())
    return dict(variables)


def _counts(name: str, words: frozenset[str]) -> bool:
    return name in words or name.startswith(ALWAYS) or not _NAME.fullmatch(name)


def words_of_values(values: Iterable[Any]) -> Words:
    """The words of values of variables, at any depth."""
    text = json.dumps(list(values), ensure_ascii=False, default=str)
    return words_of(text.encode("utf-8", "surrogatepass"))


def _sees_hardware(content: bytes) -> bool:
    """Facts by their own names, or as keys of the map of all facts; a use of the whole map may see any of them."""
    if _HARDWARE_BY_NAME.search(content):
        return True
    names = (dotted or quoted for dotted, quoted in _FACT.findall(content))
    return any(not name or re.match(_HARDWARE, name) for name in names)


def _sees_all(content: bytes, path: str) -> bool:
    """Whether variables may be found by names that the file makes up; what it says to people is read over."""
    folder, _, name = path.rpartition("/")
    if name.endswith(".md") and not folder:
        return False
    if name.endswith((".yml", ".yaml")) and not {"templates", "files"} & set(folder.split("/")):
        content = _COMMENT.sub(b"", content)  # in the first column it is one, even where a text goes over lines
    if _ANY_NAME.search(content):
        return True
    on_the_target = any(part in _RUN_ON_THE_TARGET for part in folder.split("/"))
    return name.endswith(".py") and not on_the_target and bool(_HANDED_ALL.search(content))
