"""Releases and hotfixes of gitflow as git's commands: from the state of a repository to what is still to be done.

Each function looks at the state and leaves out what is done already, so that a run that was interrupted is taken up
again by the next one, and a run after a whole one finds nothing to do.
"""

from __future__ import annotations

from typing import Literal

from pipeline.errors import UsageError
from pipeline.gitflow import DEVELOP, MAIN
from pipeline.release_state import Bump, Flow, Kind, State, Step
from pipeline.versions import bumped, check_version, final, is_above, tagged_version


def start(kind: Kind, state: State, version: str, bump: Bump) -> Flow:
    """Open release/x.y.z from develop, or hotfix/x.y.z from main; the branch that is open already is completed.

    Without a version, a release takes develop's from version.txt, a hotfix the patch after main's. Raises UsageError.
    """
    main = _usable(state)
    source = DEVELOP if kind == "release" else main
    if opened := _open(kind, state):
        version = _only(kind, opened, version)
    else:
        version = version or _default(kind, state, source)
        _may_start(kind, state, source, version)
    branch = f"{kind}/{version}"
    steps: list[Step] = []
    if branch not in state.local:
        there = branch in state.published
        steps += [] if there else _synced(state, source, diverged="refuse")
        origin = ("--track", branch, f"{state.remote}/{branch}") if there else ("--no-track", branch, source)
        steps.append(Step(("branch", *origin)))
    if final(_version(state, branch if _seen(state, branch) else source)) != version:
        steps += [Step(("checkout", branch)), _commit_version(version)]
    wanted = [branch]
    if kind == "release" and bump.when == "start":
        wanted.append(DEVELOP)
        if not is_above(_version(state, DEVELOP), version):
            steps += [] if steps else _synced(state, DEVELOP, diverged="refuse")
            steps += [Step(("checkout", DEVELOP)), _commit_version(bumped(version, bump.part))]
    unpublished = any(state.local.get(name) != state.published.get(name) for name in wanted)
    if state.remote and (steps or unpublished):
        steps.append(Step(("push", "--atomic", "--set-upstream", state.remote, *wanted)))
    if steps:
        steps.append(Step(("checkout", branch)))
    return Flow(branch, version, tuple(steps))


def finish(kind: Kind, state: State, version: str, bump: Bump) -> Flow:
    """Merge the open branch into main, tag it, merge the tag into develop, publish all three, remove the branch.

    Develop moves on to the next version unless it is above the released one already. Without a version, it is the
    branch's that is checked out, or that of a finish that was interrupted. Raises UsageError.
    """
    main = _usable(state)
    version = check_version(version) if version else _to_finish(kind, state, main)
    branch, tag = f"{kind}/{version}", _tag(state, version)
    seen = _seen(state, branch)
    if not seen and tag not in state.tags:
        raise UsageError(f"there is no branch {branch} and no tag {tag}", hint=f"run: baseimage {kind} start")
    if seen and final(_version(state, branch)) != version:
        raise UsageError(
            f"{branch} is for {version}, and its version.txt says {_version(state, branch)}",
            hint=f"on {branch}: baseimage bump {version}, and commit it",
        )
    _tag_fits(state, main, seen, branch, tag)
    steps = [*_synced(state, main, diverged="refuse"), *_synced(state, DEVELOP, diverged="merge")]
    steps += [*_synced(state, branch, diverged="refuse")] if seen else []
    if tag not in state.tags:
        if not state.contains(main, seen):
            steps += _merge(main, branch, f"Merge branch '{branch}'", keep="theirs")
        steps.append(Step(("tag", "--annotate", "--message", f"{kind.capitalize()} {version}", tag, main)))
    if tag not in state.tags or not state.contains(DEVELOP, tag):
        steps += _merge(DEVELOP, tag, f"Merge tag '{tag}' into {DEVELOP}", keep="ours")
    if not is_above(_version(state, DEVELOP), version):
        steps += [Step(("checkout", DEVELOP)), _commit_version(bumped(version, bump.part))]
    steps += _published(state, main, tag, changed=bool(steps))
    if branch in state.published:
        steps.append(Step(("push", state.remote, "--delete", branch)))
    if branch in state.local:
        # Everything that it has is in main by now, which git's own -d does not look at.
        steps += [Step(("checkout", DEVELOP)), Step(("branch", "--delete", "--force", branch))]
    return Flow(branch, version, tuple(steps))


def _usable(state: State) -> str:
    """The name of the main branch. Raises UsageError where nothing can be done safely."""
    if not state.clean:
        raise UsageError(
            "the tree has uncommitted changes, and branches are about to be changed", hint="commit or stash them"
        )
    main = next((name for name in MAIN if _seen(state, name)), "")
    missing = "main or master" if not main else "" if _seen(state, DEVELOP) else DEVELOP
    if missing:
        make = f"; make it: git branch {DEVELOP} {main}" if main else ""
        raise UsageError(f"there is no branch {missing}", hint=f"gitflow works with main (or master) and develop{make}")
    return main


def _seen(state: State, branch: str) -> str:
    """A name that git knows the branch by; "" where there is none."""
    if branch in state.local:
        return branch
    return f"{state.remote}/{branch}" if branch in state.published else ""


def _version(state: State, branch: str) -> str:
    """What version.txt says on a branch once it is up to date. Raises UsageError where it says nothing."""
    theirs, ours = state.published.get(branch, ""), state.local.get(branch, "")
    behind = theirs and (not ours or state.contains(theirs, ours))
    version = state.version(f"{state.remote}/{branch}" if behind else branch)
    if not version:
        raise UsageError(f"there is no version in version.txt on {branch}", hint="write one, such as 0.1.0")
    return version


def _open(kind: Kind, state: State) -> list[str]:
    return sorted(name for name in {*state.local, *state.published} if name.startswith(f"{kind}/"))


def _only(kind: Kind, opened: list[str], version: str) -> str:
    found = opened[0].partition("/")[2]
    if len(opened) > 1 or (version and version != found):
        raise UsageError(f"{', '.join(opened)} is open already", hint=f"first: baseimage {kind} finish")
    return check_version(found)


def _default(kind: Kind, state: State, source: str) -> str:
    now = _version(state, source)
    return final(now) if kind == "release" else bumped(final(now), "patch")


def _may_start(kind: Kind, state: State, source: str, version: str) -> None:
    if final(check_version(version)) != version:
        raise UsageError(f"{version} is not of the form x.y.z", hint=f"write {final(version)}")
    now = final(_version(state, source))
    if is_above(now, version):
        raise UsageError(f"{source} is at {now} already, which is above {version}", hint="leave the version out")
    released = [tagged_version(tag) for tag in state.tags if tagged_version(tag)]
    if version in released:
        hint = (
            "leave the version out" if kind == "hotfix" else "name another version, or on develop: baseimage bump minor"
        )
        raise UsageError(f"{version} is released already", hint=hint)


def _to_finish(kind: Kind, state: State, main: str) -> str:
    prefix = f"{kind}/"
    if state.branch.startswith(prefix):
        return check_version(state.branch.removeprefix(prefix))
    opened = [name.removeprefix(prefix) for name in _open(kind, state)]
    begun = [version for version in opened if _tag(state, version) in state.tags]
    if len(begun) == 1:
        return begun[0]
    last = _last(state)
    if state.branch in (main, DEVELOP) and not opened and last:
        return last
    raise UsageError(
        f"{state.branch or 'a detached HEAD'} is no {kind} branch, and only such a branch can be finished",
        hint=f"git checkout {prefix}{opened[0]}" if opened else f"run: baseimage {kind} start",
    )


def _last(state: State) -> str:
    """The highest version that is tagged."""
    last = ""
    for version in filter(None, map(tagged_version, state.tags)):
        last = version if not last or is_above(version, last) else last
    return last


def _tag(state: State, version: str) -> str:
    """A tag is spelled as the repository's tags are: with a v where the last one has it."""
    last = _last(state)
    return f"v{version}" if f"v{version}" in state.tags or (last and f"v{last}" in state.tags) else version


def _tag_fits(state: State, main: str, seen: str, branch: str, tag: str) -> None:
    if tag not in state.tags:
        return
    at_remote = state.published_tags.get(tag)
    if at_remote and at_remote != state.tags[tag]:
        raise UsageError(
            f"the tag {tag} is another commit in {state.remote}",
            hint=f"somebody else has released it; to take theirs: git tag -d {tag} && git fetch --tags",
        )
    if not state.contains(_seen(state, main), tag):
        raise UsageError(f"the tag {tag} is there, but {main} does not have it", hint=f"look at: git log {tag}")
    if seen and not state.contains(tag, seen):
        raise UsageError(
            f"{branch} has commits that came after the tag {tag}",
            hint=f"move them to another branch, or, if nobody has the tag yet: git tag -d {tag}",
        )


def _synced(state: State, branch: str, *, diverged: Literal["merge", "refuse"]) -> list[Step]:
    """Bring a branch to what the remote has, and make it where only the remote has it."""
    theirs = state.published.get(branch, "")
    ours = state.local.get(branch, "")
    name = f"{state.remote}/{branch}"
    if not ours:
        return [Step(("branch", "--track", branch, name))]
    if not theirs or state.contains(ours, theirs):
        return []
    if state.contains(theirs, ours):
        return [Step(("checkout", branch)), Step(("merge", "--ff-only", name))]
    if diverged == "merge":
        return [Step(("checkout", branch)), Step(("merge", "--no-edit", name), keep="ours")]
    raise UsageError(
        f"{branch} and {name} both have commits that the other one lacks",
        hint=f"bring them together; or drop your own and your new tag: git branch --force {branch} {name}",
    )


def _commit_version(version: str) -> Step:
    return Step(("commit", "--message", f"Bumps version to {version}", "--", "version.txt"), write=version)


def _merge(into: str, what: str, message: str, *, keep: Literal["ours", "theirs"]) -> list[Step]:
    return [Step(("checkout", into)), Step(("merge", "--no-ff", "--message", message, what), keep=keep)]


def _published(state: State, main: str, tag: str, *, changed: bool) -> list[Step]:
    """All at once or nothing: nobody is to see a main without its tag."""
    differs = any(state.local.get(name) != state.published.get(name) for name in (main, DEVELOP))
    if not state.remote or not (changed or differs or tag not in state.published_tags):
        return []
    return [Step(("push", "--atomic", state.remote, main, DEVELOP, f"refs/tags/{tag}"))]
