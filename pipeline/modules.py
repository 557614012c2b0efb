"""Folders of a project that come from elsewhere, and the file .projmodules that names them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from pipeline.errors import InputError, Problem

MODULES_FILE = ".projmodules"
ARCHIVES = (".tar.gz", ".tgz")
KEYS = ("path", "url", "branch", "tag", "commit", "depth")
_WHICH = ("branch", "tag", "commit")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_REFERENCE = re.compile(r"(?![-+/])[^\s:~^?*\[\\\x00-\x1f\x7f]+")
_HEADER = re.compile(r'\s*\[\s*([^\s"\]]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]')
_KEY = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*)\s*(?:=|$|[#;])")
_WEB_USER = re.compile(r"(https?://)[^/\s]*@")
_PASSWORD = re.compile(r"(\w+://[^/\s:@]*):[^/\s]*@")


@dataclass(frozen=True, slots=True)
class Module:
    """One folder that is fetched: where it belongs, whence, and which state of it; `label` is for messages.

    `version` is Galaxy's word: a branch, a tag or a commit, whichever there is. `depth` 0 is the whole history.
    `archive` marks what ansible-galaxy installs, which is no checkout; `server` is the Galaxy server that a
    collection comes from, "" those that are configured. A collection with `git` is installed from a commit of the
    repository `url`, which may end in #FOLDER; while it is `unplaced`, only its content knows its path. One that is
    `needed` is there because another collection depends on it.
    """

    label: str
    path: str
    url: str
    branch: str = ""
    tag: str = ""
    commit: str = ""
    version: str = ""
    depth: int = 0
    archive: bool = False
    collection: bool = False
    git: bool = False
    unplaced: bool = False
    needed: bool = False
    server: str = ""
    file: str = MODULES_FILE
    line: int = 0

    @property
    def wanted(self) -> str:
        """Which state is asked for, such as "branch main"; "" is the tip of the default branch."""
        if self.needed:
            return ""  # others say what it may be, and these change
        named = ((key, getattr(self, key)) for key in (*_WHICH, "version"))
        return next((f"{key} {value}" for key, value in named if value), "")

    def problem(self, message: str, hint: str = "") -> Problem:
        """Something wrong with this module, at the line that names it; credentials are masked."""
        return Problem(self.file, self.line, int(self.line > 0), self.label, masked(message), masked(hint))


@dataclass(frozen=True, slots=True)
class _Pair:
    section: str
    name: str
    key: str
    value: str
    line: int


def masked(text: str) -> str:
    """The text with the credentials of every URL in it made unreadable."""
    return _PASSWORD.sub(r"\1:***@", _WEB_USER.sub(r"\1***@", text))


def without_credentials(url: str) -> str:
    """The URL without user and password of http(s), and without the password elsewhere."""
    return _PASSWORD.sub(r"\1@", _WEB_USER.sub(r"\1", url))


def parse_modules(text: str, listing: str, file: str) -> tuple[Module, ...]:
    """The modules of a .projmodules file. `listing` is what `git config --list -z` makes of it, in the file's order.

    git knows the grammar, but tells no lines: they are found in the text. Raises InputError with all mistakes.
    """
    problems: list[Problem] = []
    sections = _sections(text)
    for pair in _pairs(text, listing):
        if pair.section != "submodule" or not pair.name:
            problems.append(_foreign(pair, file))
        else:
            _take(sections.setdefault(pair.name, (pair.line, {}))[1], pair, file, problems)
    modules = [_module(name, line, pairs, file, problems) for name, (line, pairs) in sections.items()]
    return checked_paths(tuple(module for module in modules if module), problems)


def checked_paths(modules: tuple[Module, ...], problems: list[Problem]) -> tuple[Module, ...]:
    """The modules, if no two share a folder or lie in one another. Raises InputError, with the `problems` so far."""
    found = list(problems)
    for index, module in enumerate(modules):
        for other in modules[:index]:
            if f"{module.path}/".startswith(f"{other.path}/") or f"{other.path}/".startswith(f"{module.path}/"):
                message = f"{module.path} overlaps with {other.path} of {other.label}"
                found.append(module.problem(message, "give each a folder of its own"))
    if found:
        raise InputError(sorted(found, key=lambda problem: (problem.file, problem.line)))
    return modules


def names_reference(text: str) -> bool:
    """Whether a text can be the name of a branch or tag, or a commit: git must not take it for anything else."""
    return bool(_REFERENCE.fullmatch(text)) and ".." not in text


def path_mistake(path: str) -> str:
    """Why a path cannot be a module's, "" when it can: it is relative and stays inside the project."""
    parts = path.split("/")
    if path.startswith(("/", "~")) or ".." in parts:
        return f"{path!r} leads out of the project"
    if not path or any(part in ("", ".") or part.lower() == ".git" for part in parts):
        return f"{path!r} is no path of a folder in the project"
    if "\\" in path or not path.isprintable():
        return f"{path!r} has characters that a path here cannot have"
    return ""


def _pairs(text: str, listing: str) -> list[_Pair]:
    """The keys and values that git found, each with its line; the text has as many keys, in the same order."""
    lines = _key_lines(text)
    entries = [entry.partition("\n") for entry in listing.split("\0") if entry]
    if len(lines) != len(entries):
        lines = [0] * len(entries)
    pairs = []
    for (name, _, value), line in zip(entries, lines, strict=True):
        section, _, rest = name.partition(".")
        subsection, _, key = rest.rpartition(".")
        pairs.append(_Pair(section, subsection, key, value, line))
    return pairs


def _key_lines(text: str) -> list[int]:
    """The numbers of the lines that set a key; a line after a backslash only goes on."""
    found, continued = [], False
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        header = _HEADER.match(line)
        rest = line[header.end() :] if header else line
        key = None if continued else _KEY.match(rest)
        if key:
            found.append(number)
        continued = line.endswith("\\") and not line.lstrip().startswith(("#", ";"))
    return found


def _sections(text: str) -> dict[str, tuple[int, dict[str, _Pair]]]:
    """The line of each submodule's header by name, so that one without any key is noticed too."""
    found: dict[str, tuple[int, dict[str, _Pair]]] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        header = _HEADER.match(line)
        if header and header[1].lower() == "submodule" and header[2]:
            found.setdefault(re.sub(r"\\(.)", r"\1", header[2]), (number, {}))
    return found


def _foreign(pair: _Pair, file: str) -> Problem:
    written = f'[{pair.section} "{pair.name}"]' if pair.name else f"[{pair.section}]"
    hint = 'every section is of the form [submodule "NAME"]'
    return Problem(file, pair.line, int(pair.line > 0), f"{written} {pair.key}", "unknown section", hint)


def _take(taken: dict[str, _Pair], pair: _Pair, file: str, problems: list[Problem]) -> None:
    message = hint = ""
    if pair.key not in KEYS:
        near = get_close_matches(pair.key, KEYS, n=1)
        message, hint = "unknown key", f"did you mean {near[0]}?" if near else f"known are {', '.join(KEYS)}"
    elif pair.key in taken:
        message, hint = f"this key stands on line {taken[pair.key].line} already", "keep one of the two"
    elif not pair.value:
        message, hint = "has no value", "give it one, or take the line away"
    if message:
        label = f'submodule "{pair.name}" {pair.key}'
        problems.append(Problem(file, pair.line, int(pair.line > 0), label, message, hint))
    taken.setdefault(pair.key, pair)


def _module(name: str, line: int, pairs: dict[str, _Pair], file: str, problems: list[Problem]) -> Module | None:
    label = f'submodule "{name}"'
    before = len(problems)

    def mistake(key: str, message: str, hint: str = "") -> None:
        where = pairs[key].line if key in pairs else line
        problems.append(Problem(file, where, int(where > 0), label, message, hint))

    for key, example in (("path", "path = roles/NAME"), ("url", "url = https://…/NAME.git")):
        if key not in pairs:
            mistake(key, f"has no {key}", f"add {example}")
    said = {key: pair.value for key, pair in pairs.items() if key in KEYS}
    path = said.get("path", "").removesuffix("/")
    if path and (wrong := path_mistake(path)):
        mistake("path", wrong, "write it relative to the project, such as roles/NAME")
    if said.get("url", "").startswith("-"):
        mistake("url", "an address does not begin with -")
    for key, wrong, hint in _wrong_choices(said):
        mistake(key, wrong, hint)
    if len(problems) > before or not path or "url" not in said:
        return None
    return Module(
        label,
        path,
        said["url"],
        branch=said.get("branch", ""),
        tag=said.get("tag", ""),
        commit=said.get("commit", ""),
        depth=int(said.get("depth", 0)),
        file=file,
        line=line,
    )


def _wrong_choices(said: dict[str, str]) -> list[tuple[str, str, str]]:
    """Mistakes in which state of a module is asked for: key, message, hint."""
    found = []
    if len(chosen := [key for key in _WHICH if said.get(key)]) > 1:
        found.append((chosen[1], f"{' and '.join(chosen)} name different things", "keep one of them"))
    named = [(key, said[key]) for key in ("branch", "tag") if said.get(key)]
    found += [(key, f"{name!r} is no name of a {key}", "") for key, name in named if not names_reference(name)]
    if said.get("commit") and not _COMMIT.fullmatch(said["commit"]):
        found.append(("commit", f"{said['commit']!r} is no commit", "write 7 to 64 digits of it, in lower case"))
    depth = said.get("depth")
    if depth and not (depth.isdecimal() and depth.isascii() and int(depth) > 0):
        found.append(("depth", f"{depth!r} is no number of commits", "write depth = 1"))
    return found
