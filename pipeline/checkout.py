"""What to do about the folder of a module, from what is there and what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.module_lock import LOCK_FILE, LockEntry
from pipeline.modules import Module, without_credentials

Place = Literal["missing", "empty", "file", "link", "folder", "repository"]
Work = Literal["keep", "fetch", "move", "replace", "refuse"]


@dataclass(frozen=True, slots=True)
class Checkout:
    """What stands at a module's path.

    `changed` says that files differ from the commit or are new, `ignored` that there are files git is told to
    overlook, `own` counts commits that were made here and are nowhere else. `content` is a hash of the files of
    what was installed and is no repository.
    """

    place: Place
    url: str = ""
    commit: str = ""
    changed: bool = False
    ignored: bool = False
    own: int = 0
    content: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done: nothing, fetch into an empty place, move to another commit, replace, or refuse with a reason."""

    work: Work
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for."""

    update: bool = False
    force: bool = False
    offline: bool = False


KEEP = Decision("keep")
_FORCE = "commit or move away what is yours, or fetch it again with --force"


def decide(module: Module, found: Checkout, locked: LockEntry | None, wishes: Wishes) -> Decision:
    """What to do about a module; `locked` is the entry of its path in the lock file."""
    decision = _decide(module, found, locked, wishes)
    if wishes.offline and decision.work in ("fetch", "move", "replace"):
        return Decision("refuse", "has to be fetched, and --offline forbids it", "run: baseimage initialize")
    return decision


def _decide(module: Module, found: Checkout, locked: LockEntry | None, wishes: Wishes) -> Decision:
    if found.place in ("missing", "empty"):
        return Decision("fetch")
    if module.archive:
        return _about_installed(module, found, locked, wishes)
    commit = locked.commit if locked and locked.holds_for(module) else ""
    return _not_ours(found) or _about_repository(module, found, commit, wishes)


def _about_repository(module: Module, found: Checkout, locked: str, wishes: Wishes) -> Decision:
    if wishes.force:
        return Decision("replace", _loss(module, found))
    if not same_repository(found.url, module.url):
        reason = f"{module.path} is a checkout of {found.url or 'no remote'}, not of {module.url}"
        return Decision("refuse", reason, "move it away, or replace it with --force")
    if found.changed:
        return Decision("refuse", f"{module.path} has changes that are not committed", _FORCE)
    return _about_clean(module, found, locked, wishes)


def _about_clean(module: Module, found: Checkout, locked: str, wishes: Wishes) -> Decision:
    pinned = module.commit or ("" if wishes.update else locked)
    there = bool(pinned) and found.commit.startswith(pinned)
    # A checkout that is older than any lock file is taken as it is, where no state of it is asked for.
    adopted = not pinned and not module.wanted and not wishes.update and bool(found.commit)
    if there or adopted:
        return KEEP
    if found.own:
        return Decision("refuse", f"{module.path} has commits that its origin does not have", "push them first")
    return Decision("move")


def _about_installed(module: Module, found: Checkout, locked: LockEntry | None, wishes: Wishes) -> Decision:
    """About a role or collection that has no repository: the lock file knows whether it is as it came."""
    if found.place in ("file", "link", "repository"):
        return Decision("refuse", "something else is in its place", "move it away")
    as_it_came = locked is not None and locked.content == found.content
    if wishes.force or (wishes.update and not as_it_came):
        return Decision("replace", f"{module.path} is removed and installed again; changes in it are lost")
    if locked is None:
        return KEEP
    if not as_it_came:
        return Decision("refuse", f"{module.path} is not what {LOCK_FILE} names: one of both was changed", _FORCE)
    return KEEP if locked.holds_for(module) and not wishes.update else Decision("move")


def _not_ours(found: Checkout) -> Decision | None:
    match found.place:
        case "file":
            return Decision("refuse", "a file is in its place", "move the file away")
        case "link":
            return Decision("refuse", "its path goes through a symbolic link", "make it a folder")
        case "folder":
            return Decision("refuse", "a folder that is no git repository is in its place", "move the folder away")
        case _:
            return None


def _loss(module: Module, found: Checkout) -> str:
    """What is lost with a checkout that is replaced."""
    lost = [f"{module.path} is removed and fetched again"]
    if found.changed:
        lost.append("changes that are not committed are lost")
    if found.own:
        lost.append("commits that were not pushed are lost")
    return "; ".join(lost)


def keeps_users_work(entry_url: str, locked: LockEntry, found: Checkout) -> str:
    """Why `clean` leaves a folder alone, "" when everything in it can be fetched again from `entry_url`."""
    if locked.content and found.place == "folder":
        return "" if found.content == locked.content else "has changes since it was installed"
    reasons = (
        (found.place in ("missing", "empty"), "is not there"),
        (found.place != "repository", "is no checkout"),
        (not same_repository(found.url, entry_url), "is a checkout of another repository"),
        (found.changed, "has changes that are not committed"),
        (found.own > 0, "has commits that its origin does not have"),
        (found.ignored, "has files that git ignores, which cannot be fetched again"),
        (found.commit != locked.commit, "is at another commit than the lock file says"),
    )
    return next((reason for applies, reason in reasons if applies), "")


def same_repository(one: str, other: str) -> bool:
    """Whether two URLs name the same repository: credentials, a trailing / and .git do not count."""
    return _bare(one) == _bare(other)


def _bare(url: str) -> str:
    return without_credentials(url).removeprefix("file://").rstrip("/").removesuffix(".git")
