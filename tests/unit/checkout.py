"""A git repository of a test's own, with a bare one as its remote, and the command line in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A. Nobody"), ("EMAIL", "nobody@example.org"))
}
ALONE = {"HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **AUTHOR}
"""Nobody's settings of git."""


def git(folder: Path, *words: str) -> str:
    """What git says, run in a folder. Raises CalledProcessError."""
    environ = {"PATH": os.environ["PATH"], **ALONE}  # noqa: TID251 - a test's edge
    command = ["git", "-c", "init.defaultBranch=main", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout.strip()


@dataclass(frozen=True)
class Checkout:
    """A work tree whose `origin` is a bare repository."""

    folder: Path
    remote: Path

    @classmethod
    def made(cls, place: Path, version: str = "1.3.0") -> Checkout:
        """As a project between releases: main is at 1.2.0 and tagged, develop at another version; both are pushed."""
        remote = place / "remote.git"
        remote.mkdir(parents=True)
        git(remote, "init", "--quiet", "--bare")
        here = cls(place / "shop", remote)
        here.folder.mkdir()
        here.git("init", "--quiet")
        here.git("remote", "add", "origin", str(remote))
        here.commit("version.txt", "1.2.0\n")
        here.git("tag", "--annotate", "--message", "Release 1.2.0", "1.2.0")
        here.git("checkout", "--quiet", "-b", "develop")
        here.commit("version.txt", f"{version}\n")
        here.commit("roles/web/tasks/main.yml", "---\n")
        here.git("push", "--quiet", "--set-upstream", "origin", "main", "develop", "1.2.0")
        return here

    def copied(self, place: Path) -> Checkout:
        """The same once more, with a remote of its own."""
        shutil.copytree(self.folder.parent, place, dirs_exist_ok=True)
        copy = Checkout(place / self.folder.name, place / self.remote.name)
        copy.git("remote", "set-url", "origin", str(copy.remote))
        return copy

    def clone(self, name: str) -> Checkout:
        """Somebody else's work tree of the same remote, on develop."""
        folder = self.folder.parent / name
        git(self.remote, "clone", "--quiet", "--branch", "develop", str(self.remote), str(folder))
        return Checkout(folder, self.remote)

    def git(self, *words: str) -> str:
        """What git says here."""
        return git(self.folder, *words)

    def write(self, path: str, text: str) -> None:
        """Change a file and leave it at that."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, path: str, text: str) -> str:
        """Change a file and commit it; the commit."""
        self.write(path, text)
        self.git("add", "--", path)
        self.git("commit", "--quiet", "--allow-empty", "--message", f"Changes {path}")
        return self.at("HEAD")

    def at(self, reference: str) -> str:
        """The commit of a name, here."""
        return self.git("rev-parse", f"{reference}^{{commit}}")

    def there(self, reference: str) -> str:
        """The commit of a name, in the remote."""
        return git(self.remote, "rev-parse", f"{reference}^{{commit}}")

    def version(self, reference: str = "HEAD") -> str:
        """What version.txt says at a name."""
        return self.git("show", f"{reference}:version.txt").strip()

    def branches(self) -> set[str]:
        """All branches, here and (as origin/…) in the remote."""
        form = "--format=%(refname:strip=2)"
        here = self.git("for-each-ref", form, "refs/heads").split()
        there = git(self.remote, "for-each-ref", form, "refs/heads").split()
        return {*here, *(f"origin/{name}" for name in there)}

    def everything(self) -> tuple[str, str, str, str]:
        """All that may change: names and commits here and there, what is checked out, the tree."""
        return (
            self.git("for-each-ref"),
            git(self.remote, "for-each-ref"),
            (self.folder / ".git/HEAD").read_text(encoding="utf-8"),
            self.git("status", "--porcelain"),
        )
