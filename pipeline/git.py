"""git of this machine: reading its configuration grammar, looking at checkouts, fetching one commit.

It never asks anything: prompts are off, and what it says is handed on with credentials masked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.checkout import Checkout
from pipeline.errors import GitError, InputError, Problem, UsageError
from pipeline.git_program import GitProgram
from pipeline.modules import Module, masked
from pipeline.processes import Workers

Progress = Callable[[int], None]
"""Called with the bytes received so far."""

FETCHED = "refs/baseimage/fetched"
"""Holds on to the commit that was fetched, so that commits made here can be told from it."""

_SETTINGS = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}
_UNLESS_SET = {
    # ssh asks on the terminal by itself; who has set a command of their own has taken care of that.
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=60",
    # A server that says nothing for a minute is given up.
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": "60",
}
_RECEIVED = re.compile(r"Receiving objects: .*?([\d.]+) (bytes|KiB|MiB|GiB)")
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_CHATTER = ("hint:", "warning:", "remote: Enumerating", "remote: Counting", "remote: Compressing", "remote: Total")


class Git:
    """git, run by any number of threads at once."""

    def __init__(self, environ: Mapping[str, str], workers: Workers) -> None:
        self._git = GitProgram(environ, workers, _SETTINGS, _UNLESS_SET)

    def config(self, file: Path, shown: str) -> str:
        """What `git config --list -z` makes of a file in git's configuration grammar. Raises InputError."""
        said: list[str] = []
        words = ("config", "--file", str(file.absolute()), "--no-includes", "--list", "-z")
        code, output = self._git.run(*words, printed=said.append)
        if code:
            line = next((int(found[1]) for each in said if (found := re.search(r"line (\d+)", each))), 0)
            message = "this is not in git's configuration grammar"
            raise InputError(
                [Problem(shown, line, int(line > 0), "", message, 'write [submodule "NAME"], then path and url')]
            )
        return output

    def inspect(self, folder: Path) -> Checkout:
        """What a folder holds; one that lies inside a repository but is not its top is no repository."""
        if folder.is_symlink():
            return Checkout("link")
        if not folder.exists():
            return Checkout("missing")
        if not folder.is_dir():
            return Checkout("file")
        if not any(folder.iterdir()):
            return Checkout("empty")
        if not (folder / ".git").exists():
            return Checkout("folder")
        status = self._ask(
            folder, "--no-optional-locks", "status", "--porcelain", "--ignored", "--untracked-files=normal"
        ).splitlines()
        ours = ("--not", "--glob=refs/baseimage", "--remotes", "--tags")
        return Checkout(
            "repository",
            url=self._or_nothing(folder, "config", "--get", "remote.origin.url"),
            commit=self._or_nothing(folder, "rev-parse", "--verify", "--quiet", "HEAD"),
            changed=any(not line.startswith("!!") for line in status),
            ignored=any(line.startswith("!!") for line in status),
            own=int(self._or_nothing(folder, "rev-list", "--count", "--all", "HEAD", *ours) or 0),
        )

    def clone(self, folder: Path, module: Module, locked: str, progress: Progress) -> str:
        """Make a repository of a folder that does not exist yet, at the module's commit; returns the commit."""
        self._execute_in(None, "init", "--quiet", str(folder))
        self._execute_in(folder, "remote", "add", "origin", module.url)
        return self.move(folder, module, locked, progress)

    def move(self, folder: Path, module: Module, locked: str, progress: Progress) -> str:
        """Bring a clean checkout to `locked`, else to what the module asks for; returns the commit."""
        reference = "" if module.commit or locked else self._reference(folder, module)
        if commit := module.commit or locked or (module.version if not reference else ""):
            found = self._commit(folder, module, commit, progress)
        else:
            self._fetch(folder, reference, module.depth, progress)
            found = self._ask(folder, "rev-parse", "--verify", "FETCH_HEAD^{commit}")
        self._execute_in(folder, "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", found)
        self._execute_in(folder, "update-ref", FETCHED, found)
        return found

    def _commit(self, folder: Path, module: Module, commit: str, progress: Progress) -> str:
        """A commit by its digits; where the server does not hand out single commits, the whole history is fetched."""
        if found := self._known(folder, commit):
            return found
        try:
            self._fetch(folder, commit, module.depth, progress)
        except GitError:
            shallow = self._ask(folder, "rev-parse", "--is-shallow-repository") == "true"
            everything = (
                *(("--unshallow",) if shallow else ()),
                "origin",
                "+refs/heads/*:refs/remotes/origin/*",
                "+refs/tags/*:refs/tags/*",
            )
            self._receive(folder, everything, progress)
        if found := self._known(folder, commit):
            return found
        raise GitError(masked(f"{module.url} has no commit {commit}"))

    def _known(self, folder: Path, commit: str) -> str:
        return self._or_nothing(folder, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")

    def _reference(self, folder: Path, module: Module) -> str:
        """The full name of what the module asks for; "" where its version is neither a tag nor a branch."""
        if module.branch:
            return f"refs/heads/{module.branch}"
        if module.tag:
            return f"refs/tags/{module.tag}"
        if not module.version:
            return "HEAD"
        names = (f"refs/tags/{module.version}", f"refs/heads/{module.version}")
        listed = self._ask(folder, "ls-remote", "origin", *names).split()
        return next((name for name in names if name in listed), "")

    def _fetch(self, folder: Path, reference: str, depth: int, progress: Progress) -> None:
        shallow = (f"--depth={depth}",) if depth else ()
        self._receive(folder, (*shallow, "origin", reference), progress)

    def _receive(self, folder: Path, words: tuple[str, ...], progress: Progress) -> None:
        def received(line: str) -> None:
            if found := _RECEIVED.search(line):
                progress(int(float(found[1]) * _UNITS[found[2]]))

        options = ("--progress", "--no-tags", "--no-recurse-submodules")
        self._execute_in(folder, "fetch", *options, *words, printed=received)

    def ignores(self, folder: Path, paths: tuple[str, ...]) -> tuple[str, ...] | None:
        """Those of the paths that the repository of a folder ignores; None when it is no repository."""
        try:
            words = ("-C", str(folder), "-c", "core.quotePath=false", "check-ignore", "--", *paths)
            code, output = self._git.run(*words)
        except UsageError:
            return None
        return tuple(output.splitlines()) if code in (0, 1) else None

    def _ask(self, folder: Path, *words: str) -> str:
        return self._execute_in(folder, *words).strip("\n")

    def _or_nothing(self, folder: Path, *words: str) -> str:
        code, output = self._git.run("-C", str(folder), *words)
        return "" if code else output.strip("\n")

    def _execute_in(self, folder: Path | None, *words: str, printed: Callable[[str], None] | None = None) -> str:
        said: list[str] = []

        def hear(line: str) -> None:
            said.append(line)
            if printed:
                printed(line)

        where = ("-C", str(folder)) if folder else ()
        code, output = self._git.run(*where, *words, printed=hear)
        if code:
            raise GitError(_reason(said) or f"git ended with {code}")
        return output


def _reason(said: list[str]) -> str:
    """The lines of git's that say why, on one line."""
    worth = [line.strip() for line in said if line.strip() and not line.startswith(_CHATTER)]
    fatal = [line for line in worth if line.startswith(("fatal:", "error:", "ERROR:", "remote:"))]
    return masked("; ".join(dict.fromkeys(fatal or worth[-3:])))
