"""Build secrets lent to a play in the memory of its containers, and refused where they stay."""

from __future__ import annotations

import io
import json
import tarfile
from base64 import b64encode
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.build_secrets import SecretLender
from pipeline.engine import Completed, ContainerId, Engine
from pipeline.errors import EngineError, VerificationError
from pipeline.image_config import ImageConfig
from pipeline.play_directory import secret_files, secret_folder, write_play
from pipeline.player import Play, RoleFiles
from pipeline.recipe_model import SecretNeed
from pipeline.secret_values import SecretValues
from tests.unit.kept import Kept

TOKEN = b"npm_5Rk2q-Tz81w"
VALUES = SecretValues({"npm_token": TOKEN, "key": b"-----KEY-----\n"})
NEEDS = (SecretNeed("npm_token", line=7), SecretNeed("key", "/root/.ssh/id", 0o600, 8))
CONDUCTOR, TARGET = ContainerId("conductor"), ContainerId("target")


# --- lent to a play


@dataclass
class Asked:
    """A channel: what was asked, what was told, and the answer."""

    container: ContainerId
    command: tuple[str, ...]
    stdout: io.BytesIO
    stdin: Kept = field(default_factory=Kept)

    def stderr(self) -> bytes:
        return b"never shown"

    def close(self) -> None:
        self.stdin.close()


@dataclass
class Containers:
    """The three verbs of an engine that are used."""

    answers: dict[str, bytes] = field(default_factory=lambda: {"sh": b"taken\n", "lend": b"done\n", "search": b"[]"})
    asked: list[Asked] = field(default_factory=list)
    ran: list[tuple[ContainerId, tuple[str, ...]]] = field(default_factory=list)
    changed: tuple[str, ...] = ()

    def open(self, container: ContainerId, command: tuple[str, ...], **settings: Any) -> Asked:
        assert not settings, "an environment would stand in the engine's notes on the command"
        kind = "sh" if command[0] == "sh" else "lend" if "lend" in command else "search"
        self.asked.append(Asked(container, command, io.BytesIO(self.answers[kind])))
        return self.asked[-1]

    def run(self, container: ContainerId, command: tuple[str, ...]) -> Completed:
        self.ran.append((container, command))
        return Completed(0, b"", b"")

    def changes(self, _: ContainerId) -> tuple[str, ...]:
        return self.changed

    def words(self) -> str:
        """All that stands on command lines."""
        return str([each.command for each in self.asked] + self.ran)


@pytest.fixture
def containers() -> Containers:
    return Containers()


def lender(containers: Containers) -> SecretLender:
    return SecretLender(cast("Engine", containers), VALUES)


def a_play(*secrets: SecretNeed) -> Play:
    return Play(RoleFiles("app", Path("roles/app")), {}, {}, False, False, True, "web/app/provision", "", secrets)  # noqa: FBT003


def test_the_play_finds_a_file_for_each_secret_by_a_variable(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    play = replace(a_play(*NEEDS), role=RoleFiles("app", tmp_path / "app"), variables={"port": 1})
    write_play(tmp_path / "private", play, {}, "all")
    (head,) = json.loads((tmp_path / "private/project/play.yml").read_text())
    assert head["vars"] == {"port": 1, "build_secrets": secret_files(play)}
    assert all(path.startswith("/dev/shm/") for path in secret_files(play).values()), "in memory"  # noqa: S108
    assert secret_folder(play) != secret_folder(replace(play, step="web/app-2/provision"))


def test_the_conductor_gets_the_files_through_stdin_and_gives_them_back(containers: Containers) -> None:
    play = a_play(*NEEDS)
    with lender(containers).in_conductor(CONDUCTOR, play):
        (asked,) = containers.asked
        with tarfile.open(fileobj=io.BytesIO(asked.stdin.written)) as archive:
            sent = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
            assert {entry.mode for entry in archive} == {0o600}
        assert sent == {"npm_token": TOKEN, "key": b"-----KEY-----\n"}
        assert containers.ran == []
    assert containers.ran == [(CONDUCTOR, ("rm", "-rf", secret_folder(play)))]
    assert TOKEN.decode() not in containers.words()


def test_only_what_has_a_target_goes_to_the_target(containers: Containers) -> None:
    with lender(containers).in_target(TARGET, a_play(*NEEDS)):
        (asked,) = containers.asked
        assert json.loads(asked.stdin.written) == [
            {"name": "1", "content": b64encode(b"-----KEY-----\n").decode(), "mode": "600", "target": "/root/.ssh/id"}
        ]
        assert containers.ran == []
    ((where, command),) = containers.ran
    assert (where, command[-2:]) == (TARGET, ("take", "/dev/shm/baseimage-secrets"))  # noqa: S108
    assert "KEY" not in containers.words().replace("lend_secrets", "")


def test_all_is_taken_away_when_the_play_fails(containers: Containers) -> None:
    lend, play = lender(containers), a_play(*NEEDS)
    with pytest.raises(ZeroDivisionError), lend.in_conductor(CONDUCTOR, play), lend.in_target(TARGET, play):
        raise ZeroDivisionError
    assert [where for where, _ in containers.ran] == [TARGET, CONDUCTOR]


def test_a_role_without_secrets_costs_nothing(containers: Containers) -> None:
    lend, play = lender(containers), a_play()
    with lend.in_conductor(CONDUCTOR, play), lend.in_target(TARGET, play):
        pass
    lend.refuse_leaks(TARGET)
    assert lend.checked(ImageConfig(user=TOKEN.decode()), play).user == TOKEN.decode()
    assert (containers.asked, containers.ran) == ([], [])


def test_a_conductor_that_does_not_take_them_is_an_error_without_them(containers: Containers) -> None:
    containers.answers["sh"] = b""
    with pytest.raises(EngineError) as caught, lender(containers).in_conductor(CONDUCTOR, a_play(*NEEDS)):
        pass
    assert TOKEN.decode() not in str(caught.value) + caught.value.detail


def test_a_place_that_is_taken_is_an_error_of_the_role(containers: Containers) -> None:
    containers.answers["lend"] = b"/root/.ssh/id is there already\n"
    lend = lender(containers).in_target(TARGET, a_play(*NEEDS))
    with pytest.raises(VerificationError, match=r"role app: .* /root/\.ssh/id is there already"), lend:
        pass


# --- refused where they stay


def after_play(containers: Containers, *secrets: SecretNeed) -> SecretLender:
    lend = lender(containers)
    with lend.in_target(TARGET, a_play(*secrets)):
        pass
    containers.asked.clear()
    return lend


def test_what_a_role_changed_is_searched_for_the_secrets_that_it_saw(containers: Containers) -> None:
    containers.changed = ("A /etc/a", "C /etc", "D /etc/gone")
    lend = after_play(containers, NEEDS[0])
    lend.refuse_leaks(TARGET)
    (asked,) = containers.asked
    told = json.loads(asked.stdin.written)
    assert told["paths"] == ["/etc/a", "/etc"]
    assert told["forms"].keys() == {"npm_token"}
    assert b64encode(TOKEN).decode() in told["forms"]["npm_token"]
    assert TOKEN.decode() not in containers.words()
    lend.refuse_leaks(TARGET)
    assert len(containers.asked) == 1, "the next role of the target is another one"


def test_a_file_with_a_secret_is_named(containers: Containers) -> None:
    containers.answers["search"] = json.dumps([["npm_token", f"/etc/{number}"] for number in range(12)]).encode()
    with pytest.raises(VerificationError) as caught:
        after_play(containers, *NEEDS).refuse_leaks(TARGET)
    assert "role app leaves the build secret npm_token in its layer: /etc/0, /etc/1," in caught.value.message
    assert caught.value.message.endswith("/etc/9 and 2 more")


def test_a_search_that_fails_does_not_pass_for_a_layer_without_secrets(containers: Containers) -> None:
    containers.answers["search"] = b""
    with pytest.raises(EngineError, match="could not be searched"):
        after_play(containers, *NEEDS).refuse_leaks(TARGET)


def test_configuration_with_a_secret_is_refused(containers: Containers) -> None:
    config = ImageConfig(labels={"a": "b"}, environment={"TOKEN": f"x{TOKEN.decode()}"})
    with pytest.raises(VerificationError, match=r"role app puts .* npm_token in environment\.TOKEN"):
        lender(containers).checked(config, a_play(*NEEDS))
    assert lender(containers).checked(config, a_play(NEEDS[1])) == config
