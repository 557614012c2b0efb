"""Roles and collections that ansible-galaxy brings: from a server, tar files and repositories."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.checkout import Wishes
from pipeline.errors import InputError
from pipeline.events import StepCached
from pipeline.initializing import Workspace, bring_missing
from pipeline.module_lock import LockEntry, parse_lock
from tests.galaxy_server import GalaxyServer, collection_tar, galaxy_server
from tests.unit.repositories import Home, Repository, git

pytestmark = pytest.mark.allow("process", "network")

UPDATE, FORCE, OFFLINE = Wishes(update=True), Wishes(force=True), Wishes(offline=True)
ACME = "collections/ansible_collections/acme"


@pytest.fixture
def server() -> Iterator[GalaxyServer]:
    with galaxy_server() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, server: GalaxyServer) -> Home:
    """A project whose ansible.cfg names the server."""
    made = Home(tmp_path / "home")
    made.write("ansible.cfg", f"[galaxy]\nserver_list = ours\n[galaxy_server.ours]\nurl = {server.address}\n")
    return made


def versions(home: Home) -> dict[str, str]:
    """What the lock file says: the last part of each path, and the version."""
    return {path.rpartition("/")[2]: entry.version for path, entry in locked(home).items()}


def locked(home: Home) -> dict[str, LockEntry]:
    return parse_lock((home.folder / "projmodules.lock").read_text(), "lock")


def machine(home: Home, name: str = "other") -> Home:
    """Another one that has what is under version control."""
    other = Home(home.folder.parent / name)
    for file in ("ansible.cfg", "requirements.yml", "projmodules.lock"):
        shutil.copy(home.folder / file, other.folder)
    return other


# names on a server


def test_a_collection_comes_in_its_range_with_what_it_needs_and_the_lock_says_what_came(
    home: Home, server: GalaxyServer
) -> None:
    for version in ("1.0.0", "1.2.0", "2.0.0"):
        server.collection("acme.base", version)
    server.collection("acme.tools", "1.1.0", {"acme.base": ">=1.0.0,<2.0.0"})
    server.collection("acme.tools", "3.0.0")
    home.write("requirements.yml", "collections: [{name: acme.tools, version: '>=1.0,<2.0'}]\n")
    home.initialize()
    assert versions(home) == {"tools": "1.1.0", "base": "1.2.0"}
    assert [len(entry.content) for entry in locked(home).values()] == [64, 64]
    assert (home.folder / ACME / "base/plugins/filter/shout.py").exists()
    server.asked.clear()
    text = (home.folder / "projmodules.lock").read_text()
    home.events.clear()
    home.initialize()
    bring_missing(home.folder, home.environ, home.events.append, offline=False)
    assert [type(event) for event in home.events] == [StepCached, StepCached]
    assert server.asked == []
    assert (home.folder / "projmodules.lock").read_text() == text
    home.initialize(OFFLINE)


def test_another_machine_gets_the_same_versions_until_they_are_updated(home: Home, server: GalaxyServer) -> None:
    server.collection("acme.base", "1.0.0")
    server.collection("acme.tools", "1.0.0", {"acme.base": ">=1.0.0"})
    server.role("vendor.web", "1.0", "- debug:\n")
    home.write("requirements.yml", "roles: [vendor.web]\ncollections: [acme.tools]\n")
    home.initialize()
    server.collection("acme.base", "1.5.0")
    server.collection("acme.tools", "1.5.0", {"acme.base": ">=1.5.0"})
    server.role("vendor.web", "1.10", "- command: 'true'\n")
    other = machine(home)
    bring_missing(other.folder, other.environ, other.events.append, offline=False)
    assert versions(other) == versions(home) == {"tools": "1.0.0", "base": "1.0.0", "vendor.web": "1.0"}
    assert locked(other) == locked(home)
    other.initialize(UPDATE)
    assert versions(other) == {"tools": "1.5.0", "base": "1.5.0", "vendor.web": "1.10"}


def test_a_dependency_whose_range_moved_is_brought_anew(home: Home, server: GalaxyServer) -> None:
    for version in ("1.0.0", "2.0.0"):
        server.collection("acme.base", version)
        server.collection("acme.tools", version, {"acme.base": version})
    home.write("requirements.yml", "collections: [{name: acme.tools, version: 1.0.0}]\n")
    home.initialize()
    assert versions(home) == {"tools": "1.0.0", "base": "1.0.0"}
    home.write("requirements.yml", "collections: [{name: acme.tools, version: 2.0.0}]\n")
    home.initialize()
    home.initialize()
    assert versions(home) == {"tools": "2.0.0", "base": "2.0.0"}


def test_a_dependency_that_is_named_otherwise_is_a_mistake(home: Home, server: GalaxyServer) -> None:
    server.collection("acme.base", "1.0.0")
    server.collection("acme.tools", "1.0.0", {"acme.base": ">=2.0.0"})
    home.write("requirements.yml", "collections:\n- acme.tools\n- acme.base\n")
    (problem,) = home.refusals()
    assert "requirements.yml:2:1: collection acme.tools: needs acme.base >=2.0.0, and 1.0.0 is there" in problem


@pytest.mark.parametrize("how", ["source", "name of a server", "environment", "chosen ansible.cfg"])
def test_a_server_is_named_as_ansible_galaxy_has_it(
    how: str, tmp_path: Path, server: GalaxyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.collection("acme.tools", "1.0.0")
    home = Home(tmp_path / "home")
    environ, source = home.environ, ""
    match how:
        case "source":
            source = server.address
        case "environment":
            environ |= {"ANSIBLE_GALAXY_SERVER": server.address}
        case "chosen ansible.cfg":
            (tmp_path / "my.cfg").write_text(f"[galaxy]\nserver = {server.address}\n")
            environ |= {"ANSIBLE_CONFIG": "my.cfg"}
        case _:
            source = "second"
            home.write(
                "ansible.cfg",
                "[galaxy]\nserver_list = first, second\n[galaxy_server.first]\nurl = http://127.0.0.1:9\n"
                f"[galaxy_server.second]\nurl = {server.address}\n",
            )
    item = f"{{name: acme.tools, source: '{source}'}}" if source else "acme.tools"
    home.write("requirements.yml", f"collections: [{item}]\n")
    monkeypatch.chdir(tmp_path)
    bring_missing(home.folder, environ, home.events.append, offline=False)
    assert server.downloads() == ["acme-tools-1.0.0.tar.gz"]


def test_a_role_comes_by_its_name_without_the_time_of_its_coming(home: Home, server: GalaxyServer) -> None:
    for version in ("1.9", "1.10"):
        server.role("vendor.web", version, f"- debug: {{msg: '{version}'}}\n")
    home.write("requirements.yml", "- vendor.web\n- {src: vendor.web, version: '1.9', name: old}\n")
    home.initialize()
    assert (home.folder / "roles/vendor.web/tasks/main.yml").read_text() == "- debug: {msg: '1.10'}\n"
    assert versions(home) == {"vendor.web": "1.10", "old": "1.9"}
    files = sorted(path.name for path in (home.folder / "roles/old").rglob("*") if path.is_file())
    assert files == ["main.yml", "main.yml"]


def test_each_failure_is_one_sentence_at_its_line_and_the_others_are_there(home: Home, server: GalaxyServer) -> None:
    server.collection("acme.good", "1.0.0")
    server.tampered.add(server.collection("acme.bad", "1.0.0"))
    del server.files[server.role("vendor.gone", "1.0", "")]
    server.role("vendor.web", "1.0", "- debug:\n")
    home.write(
        "requirements.yml",
        """\
roles:
  - vendor.none
  - {src: vendor.web, version: "9"}
  - vendor.gone
  - {src: vendor.web, name: good}
collections:
  - acme.none
  - {name: acme.good, version: ">=2.0"}
  - acme.bad
  - {name: acme.down, source: "http://127.0.0.1:9"}
""",
    )
    problems = home.refusals()
    found = [
        problem.partition("requirements.yml:")[2].partition(" cannot be fetched from ")[::2] for problem in problems
    ]
    assert [(place.partition(":")[0], message.partition(": ")[2]) for place, message in found] == [
        ("2", f"{server.address}/api has no role vendor.none"),
        ("3", "there is no version 9"),
        ("4", "failed to download the file: HTTP Error 404: Not Found"),
        ("7", "no server that was asked has acme.none"),
        ("8", "no server that was asked has acme.good >=2.0"),
        ("9", "what was downloaded has another checksum than the server says"),
        ("10", "http://127.0.0.1:9/api cannot be asked: Connection refused"),
    ]
    assert versions(home) == {"good": "1.0"}
    assert [path.name for path in (home.folder / "roles").iterdir()] == ["good"]


def test_what_a_server_changed_under_the_same_version_is_not_taken(home: Home, server: GalaxyServer) -> None:
    server.collection("acme.tools", "1.0.0")
    home.write("requirements.yml", "collections: [acme.tools]\n")
    home.initialize()
    server.collection("acme.tools", "1.0.0", text="# changed\n")
    other = machine(home)
    shutil.rmtree(home.folder.parent / ".ansible")  # its cache
    with pytest.raises(InputError, match=r"what came is not what projmodules.lock names") as caught:
        bring_missing(other.folder, other.environ, other.events.append, offline=False)
    assert "--update" in caught.value.problems[0].hint
    assert not (other.folder / ACME / "tools").exists()
    assert locked(other) == locked(home)


def test_what_was_changed_here_is_refused_and_what_was_not_is_cleaned_away(home: Home, server: GalaxyServer) -> None:
    server.collection("acme.tools", "1.0.0")
    server.role("vendor.web", "1.0", "- debug:\n")
    home.write("requirements.yml", "roles: [vendor.web]\ncollections: [acme.tools]\n")
    home.initialize()
    home.write("roles/vendor.web/tasks/main.yml", "mine")
    assert "roles/vendor.web is not what projmodules.lock names" in home.refusals()[0]
    outcomes = Workspace(home.folder, home.environ, home.events.append).clean(dry_run=False)
    assert {outcome.path: outcome.kept for outcome in outcomes} == {
        f"{ACME}/tools": "",
        "roles/vendor.web": "has changes since it was installed",
    }
    home.initialize(FORCE)
    assert (home.folder / "roles/vendor.web/tasks/main.yml").read_text() == "- debug:\n"


# tar files


def test_a_tar_file_s_role_is_installed_and_then_left_alone(home: Home, tmp_path: Path) -> None:
    files = {"tasks/main.yml": "- debug:\n", "meta/main.yml": "galaxy_info: {author: x, license: MIT}\n"}
    with tarfile.open(home.folder / "x.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            (tmp_path / "content").write_text(text)
            archive.add(tmp_path / "content", f"x-1.0/{name}")
    home.write("requirements.yml", "- {src: x.tar.gz, name: x}\n")
    bring_missing(home.folder, home.environ, home.events.append, offline=False)
    assert (home.folder / "roles/x/tasks/main.yml").read_text() == "- debug:\n"
    assert [path.name for path in (home.folder / "roles").iterdir()] == ["x"]
    home.initialize(OFFLINE)
    assert isinstance(home.events[-1], StepCached)
    (home.folder / "x.tar.gz").unlink()
    (outcome,) = Workspace(home.folder, home.environ, home.events.append).clean(dry_run=True)
    assert outcome.kept == "was installed from x.tar.gz, which is not there"


def test_a_tar_file_s_collection_goes_where_ansible_looks_for_it(home: Home) -> None:
    (home.folder / "acme-tools-1.0.0.tar.gz").write_bytes(collection_tar("acme.tools", "1.0.0", {}))
    home.write("requirements.yml", "collections: [acme-tools-1.0.0.tar.gz]\n")
    bring_missing(home.folder, home.environ, home.events.append, offline=False)
    assert [path.name for path in (home.folder / ACME).iterdir()] == ["tools"]
    assert (home.folder / ACME / "tools/plugins/filter/shout.py").exists()
    home.initialize(OFFLINE)
    assert isinstance(home.events[-1], StepCached)


# repositories


GALAXY_YML = "namespace: acme\nname: tools\nversion: {}\nreadme: README.md\nauthors: [x]\nbuild_ignore: [notes]\n"


@pytest.fixture
def bare(tmp_path: Path) -> Repository:
    """A repository of a collection, and of another in its folder many/tools; origin is a bare one."""
    made = Repository(tmp_path / "source")
    for place in ("", "many/tools/"):
        made.commit(f"{place}galaxy.yml", GALAXY_YML.format("1.0.0"))
        made.commit(f"{place}README.md", f"in {place}")
        made.commit(f"{place}notes", "x")
    git(made.folder, "clone", "--quiet", "--bare", str(made.folder), str(tmp_path / "bare.git"))
    git(made.folder, "remote", "add", "origin", str(tmp_path / "bare.git"))
    return made


def test_a_repository_s_collection_goes_to_its_own_place_and_the_lock_keeps_the_commit(
    home: Home, bare: Repository
) -> None:
    home.write("requirements.yml", "collections: [{name: ../bare.git, type: git, version: main}]\n")
    bring_missing(home.folder, home.environ, home.events.append, offline=False)
    first = bare.tip
    assert (locked(home)[f"{ACME}/tools"].commit, versions(home)) == (first, {"tools": "1.0.0"})
    assert [path.name for path in (home.folder / ACME).parent.iterdir()] == ["acme"]
    assert not (home.folder / ACME / "tools/notes").exists()
    bare.commit("galaxy.yml", GALAXY_YML.format("2.0.0"))
    git(bare.folder, "push", "--quiet", "origin", "main")
    home.initialize(OFFLINE)
    other = machine(home)
    bring_missing(other.folder, other.environ, other.events.append, offline=False)
    assert locked(other) == locked(home)
    other.initialize(UPDATE)
    assert (locked(other)[f"{ACME}/tools"].commit, versions(other)) == (bare.tip, {"tools": "2.0.0"})
    home.write("requirements.yml", f"collections: ['git+file://{bare.folder}.git']\n")
    (home.folder / "projmodules.lock").unlink()
    assert "cannot be fetched" in home.refusals()[0]


def test_a_folder_of_a_repository_can_be_named(home: Home, bare: Repository) -> None:
    home.write("requirements.yml", "collections: [{name: '../bare.git#/many/tools', type: git}]\n")
    home.initialize()
    assert (home.folder / ACME / "tools/README.md").read_text() == "in many/tools/"
    assert locked(home)[f"{ACME}/tools"].url == "../bare.git#/many/tools"
    assert bare.tip == locked(home)[f"{ACME}/tools"].commit
    home.write("requirements.yml", "collections: [{name: '../bare.git#/many', type: git}]\n")
    (problem,) = home.refusals()
    assert "there is no galaxy.yml" in problem


def test_a_repository_s_collection_takes_nobody_s_place(home: Home, bare: Repository) -> None:
    assert bare.tip
    home.write("requirements.yml", "collections: [{name: ../bare.git, type: git}]\n")
    home.write(f"{ACME}/tools/mine", "mine")
    (problem,) = home.refusals()
    assert f"{ACME}/tools is there, and is something else" in problem
    assert (home.folder / ACME / "tools/mine").exists()


def test_credentials_of_a_repository_are_nowhere(home: Home) -> None:
    home.write("requirements.yml", "collections: ['git+http://u:s3cret@127.0.0.1:9/x.git']\n")
    (problem,) = home.refusals()
    assert "***@127.0.0.1:9" in problem
    assert "s3cret" not in problem + str(home.events)


def test_the_command_needs_nothing_on_the_path(home: Home, server: GalaxyServer, tmp_path: Path) -> None:
    server.collection("acme.tools", "1.0.0")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").symlink_to(str(shutil.which("git")))
    home.write("requirements.yml", "collections: [acme.tools]\n")
    home.write("json.py", "raise SystemExit('a project is not on the path of modules')\n")
    environ = {**home.environ, "PATH": str(tools), "LC_ALL": "C"}
    bring_missing(home.folder, environ, home.events.append, offline=False)
    assert (home.folder / ACME / "tools").is_dir()
    assert subprocess.run(["ls", "-A", home.folder / ACME], capture_output=True, text=True).stdout == "tools\n"  # noqa: PLW1510 - its words are the answer
