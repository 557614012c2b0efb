"""The git repository of a project: what it says about a build, and the steps of a release in it.

The git program is used, not a library: it brings the user's hooks, signatures, credentials and ssh settings. It
never asks anything, and what it says is handed on without credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pipeline.errors import GitError, InputError, UsageError
from pipeline.git_program import GitProgram
from pipeline.gitflow import Place, Situation
from pipeline.processes import Workers
from pipeline.project import parse_version, rewritten
from pipeline.provenance import Origin
from pipeline.release_state import State, Step
from pipeline.sources import read_text
from pipeline.versions import tagged_version

VERSION_FILE = "version.txt"
REMOTE = "origin"

_SETTINGS = {"GIT_MERGE_AUTOEDIT": "no", "GIT_EDITOR": "true"}
_UNLESS_SET = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
_CREDENTIALS = re.compile(r"(\w+://)[^/\s@]+@")


class Repository:
    """The repository that a project's folder lies in."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Raise UsageError where there is no repository, or one without a commit."""
        self._folder = folder
        self._git = GitProgram(environ, Workers(), _SETTINGS, _UNLESS_SET)
        if not is_in_repository(folder):
            raise UsageError(f"{folder.resolve().name} is in no git repository", hint="gitflow needs one: git init")
        if not self._or_nothing("rev-parse", "--verify", "--quiet", "HEAD"):
            self._ask("rev-parse", "--git-dir")  # it may say why
            raise UsageError("the git repository has no commit yet", hint="make one: git commit")

    def situation(self, version: str, ci: Place) -> Situation:
        """The facts of the checkout. A branch that is checked out is believed; else the CI service is."""
        branch = self._branch()
        place = Place(branch, pull_request=ci.pull_request) if branch and not ci.pull_request else ci
        return Situation(
            version=version,
            commit=self._ask("rev-parse", "HEAD"),
            place=place,
            tags=tuple(self._ask("tag", "--points-at", "HEAD").split()),
            dirty=not self._clean(),
            count=self._count(version),
            released=tuple(tag for tag in self._ask("tag", "--list").split() if tagged_version(tag)),
            created=self._ask("show", "--no-patch", "--no-show-signature", "--format=%cI", "HEAD"),
            source=self._address(),
        )

    def origin(self) -> Origin:
        """The commit that is checked out. Raises GitError."""
        return Origin(self._ask("rev-parse", "HEAD"), dirty=not self._clean(), address=self._address())

    def commit_time(self) -> int:
        """When the commit that is checked out was made, in seconds since 1970."""
        return int(self._ask("show", "--no-patch", "--no-show-signature", "--format=%ct", "HEAD"))

    def fetch(self) -> None:
        """Learn what the remote has; nothing happens where there is none."""
        if self._has_remote():
            self._ask("fetch", "--quiet", REMOTE)

    def state(self) -> State:
        """What a release has to know; of the remote's branches, what was fetched of them."""
        remote = REMOTE if self._has_remote() else ""
        listed = _refs(self._ask("ls-remote", "--heads", "--tags", REMOTE)) if remote else {}
        fetched = self._heads(f"refs/remotes/{REMOTE}/")
        return State(
            branch=self._branch(),
            clean=self._clean(),
            remote=remote,
            local=self._heads("refs/heads/"),
            published={name: commit for name, commit in fetched.items() if f"refs/heads/{name}" in listed},
            tags=self._tags(),
            published_tags=_tags_of(listed),
            contains=self._contains,
            version=self._version_at,
        )

    def carry_out(self, step: Step) -> None:
        """Do one step. Raises GitError; a merge or commit that cannot be made leaves the tree as it was."""
        path = self._folder / VERSION_FILE
        before = path.read_bytes() if step.write else b""
        if step.write:
            write_version(self._folder, step.write)
        try:
            self._ask(*step.words)
        except GitError as error:
            if step.write:
                path.write_bytes(before)
            if step.words[0] != "merge":
                raise
            self._settle_merge(step, error)

    def _settle_merge(self, step: Step, error: GitError) -> None:
        here = self._ask("rev-parse", "--show-prefix")
        conflicts = self._ask("diff", "--name-only", "--no-relative", "--diff-filter=U").splitlines()
        if step.keep and conflicts == [f"{here}{VERSION_FILE}"]:
            self._ask("checkout", f"--{step.keep}", "--", VERSION_FILE)
            self._ask("add", "--", VERSION_FILE)
            self._ask("commit", "--no-edit")
            return
        self._or_nothing("merge", "--abort")
        if not conflicts:
            raise error
        branch = self._branch()
        raise GitError(
            f"merging {step.words[-1]} into {branch}: both have changed {', '.join(conflicts)}",
            hint=f"on {branch}: git merge --no-ff {step.words[-1]}, settle the conflict, commit; then run this again",
        ) from error

    def _branch(self) -> str:
        return self._or_nothing("symbolic-ref", "--quiet", "--short", "HEAD")

    def _clean(self) -> bool:
        return not self._ask("--no-optional-locks", "status", "--porcelain", "--untracked-files=normal")

    def _address(self) -> str:
        return without_credentials(self._or_nothing("config", "--get", f"remote.{REMOTE}.url"))

    def _has_remote(self) -> bool:
        return REMOTE in self._ask("remote").split()

    def _count(self, version: str) -> int | None:
        """Commits since the one that wrote this version into version.txt; None where the history is cut off."""
        if self._ask("rev-parse", "--is-shallow-repository") == "true":
            return None
        since = self._ask("log", "-1", "--no-show-signature", "--format=%H", f"-S{version}", "--", VERSION_FILE)
        return int(self._ask("rev-list", "--count", *((f"{since}..HEAD",) if since else ("HEAD",))))

    def _heads(self, prefix: str) -> dict[str, str]:
        lines = self._ask("for-each-ref", "--format=%(objectname) %(refname)", prefix).splitlines()
        pairs = [line.split(" ", 1) for line in lines]
        return {name.removeprefix(prefix): commit for commit, name in pairs if not name.endswith("/HEAD")}

    def _tags(self) -> dict[str, str]:
        form = "--format=%(refname:strip=2) %(objectname) %(*objectname)"
        rows = [line.split() for line in self._ask("for-each-ref", form, "refs/tags/").splitlines()]
        return {row[0]: row[-1] for row in rows}

    def _contains(self, whole: str, part: str) -> bool:
        code, _, _ = self._execute("merge-base", "--is-ancestor", part, whole)
        return code == 0

    def _version_at(self, reference: str) -> str:
        text = self._or_nothing("show", f"{reference}:./{VERSION_FILE}")
        try:
            return parse_version(text, f"{reference}:{VERSION_FILE}") if text else ""
        except InputError as error:
            raise UsageError(str(error), hint="correct it on that branch") from error

    def _ask(self, *words: str) -> str:
        code, output, said = self._execute(*words)
        if code:
            raise GitError(f"git {words[0]}: {_reason(said, output) or f'it ended with {code}'}")
        return output.strip("\n")

    def _or_nothing(self, *words: str) -> str:
        code, output, _ = self._execute(*words)
        return "" if code else output.strip("\n")

    def _execute(self, *words: str) -> tuple[int, str, list[str]]:
        said: list[str] = []
        where = ("-C", str(self._folder), "-c", "core.quotePath=false")
        code, output = self._git.run(*where, *words, printed=said.append)
        return code, output, said


def is_in_repository(folder: Path) -> bool:
    """Whether a folder, or one above it, is a git repository."""
    return any((parent / ".git").exists() for parent in (folder.resolve(), *folder.resolve().parents))


def read_version(folder: Path) -> str:
    """What version.txt says. Raises UsageError, InputError."""
    path = folder / VERSION_FILE
    return parse_version(read_text(path, "version", "write one line such as 0.1.0 into it"), VERSION_FILE)


def write_version(folder: Path, version: str) -> None:
    """Put another version into version.txt; all else in it stays. Raises UsageError, InputError."""
    read_text(folder / VERSION_FILE, "version")
    path = folder / VERSION_FILE
    text = rewritten(path.read_bytes().decode("utf-8"), VERSION_FILE, version)
    path.write_bytes(text.encode("utf-8"))


def without_credentials(url: str) -> str:
    """An address as it may be shown: without user, password, query and fragment; a path or host:path stays."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _refs(listed: str) -> dict[str, str]:
    """What `ls-remote` printed, by name."""
    pairs = [line.split("\t", 1) for line in listed.splitlines() if "\t" in line]
    return {name: commit for commit, name in pairs}


def _tags_of(refs: dict[str, str]) -> dict[str, str]:
    """Tags with their commits: an annotated one is listed twice, the second time with ^{} and its commit."""
    prefix = "refs/tags/"
    names = [name for name in refs if name.startswith(prefix) and not name.endswith("^{}")]
    return {name.removeprefix(prefix): refs.get(f"{name}^{{}}", refs[name]) for name in names}


def _reason(said: list[str], output: str) -> str:
    """The lines that say why, on one line."""
    lines = [line.strip() for line in (*said, *output.splitlines()) if line.strip() and not line.startswith("hint:")]
    worth = [line for line in lines if re.match(r"fatal:|error:|remote:|!|CONFLICT", line)]
    return _CREDENTIALS.sub(r"\1", "; ".join(dict.fromkeys(worth or lines[-3:])))
