"""What is sent to the conductor for one role."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.play_directory import FACTS, MODULE_DEFAULTS, write_play
from pipeline.player import Deployable, Play, RoleFiles

INVENTORY: dict[str, Any] = {"all": {"hosts": {"web": {"ansible_host": "abc"}}}}


@pytest.fixture
def role(tmp_path: Path) -> RoleFiles:
    return RoleFiles("nginx", add_role(tmp_path / "roles" / "nginx"))


def add_role(folder: Path) -> Path:
    (folder / "tasks").mkdir(parents=True)
    (folder / "tasks" / "main.yml").write_text(f"# {folder.name}\n")
    return folder


def a_play(role: RoleFiles) -> Play:
    parameters, variables = {"port": 81, "name": "ü 😀"}, {"port": 80, "greeting": "{{ name }}"}
    return Play(role, parameters, variables, True, True, True, "web/nginx/x")  # noqa: FBT003


def written(play: Play, folder: Path) -> dict[str, Any]:
    write_play(folder / "private", play, INVENTORY, "all")
    (only,) = json.loads((folder / "private" / "project" / "play.yml").read_text(encoding="utf-8"))
    assert isinstance(only, dict)
    return only


def sent(folder: Path) -> set[str]:
    private = folder / "private"
    return {path.relative_to(private).as_posix() for path in private.rglob("*") if not path.is_dir()}


def test_the_role_its_dependencies_and_nothing_else_are_sent(role: RoleFiles, tmp_path: Path) -> None:
    users = RoleFiles("users", add_role(tmp_path / "roles" / "users"))
    base = RoleFiles("base", add_role(tmp_path / "roles" / "base"), (users,))
    add_role(tmp_path / "roles" / "of_somebody_else")
    written(a_play(replace(role, dependencies=(base, users))), tmp_path)
    assert sent(tmp_path) == {
        "env/settings",
        "inventory/hosts.json",
        "project/play.yml",
        "project/roles/base/tasks/main.yml",
        "project/roles/nginx/tasks/main.yml",
        "project/roles/users/tasks/main.yml",
    }


def test_a_role_that_is_a_link_is_sent_with_its_files(role: RoleFiles, tmp_path: Path) -> None:
    (tmp_path / "roles" / "web").symlink_to("nginx")
    written(a_play(RoleFiles("web", tmp_path / "roles" / "web")), tmp_path)
    assert role.name == "nginx"
    assert "project/roles/web/tasks/main.yml" in sent(tmp_path)


def test_collections_of_the_project_lie_beside_the_play(role: RoleFiles, tmp_path: Path) -> None:
    plugin = tmp_path / "collections" / "ansible_collections" / "acme" / "tools" / "plugins" / "filter" / "shout.py"
    plugin.parent.mkdir(parents=True)
    plugin.touch()
    written(a_play(replace(role, collections=tmp_path / "collections" / "ansible_collections")), tmp_path)
    assert "project/collections/ansible_collections/acme/tools/plugins/filter/shout.py" in sent(tmp_path)


def test_files_of_variables_are_left_to_the_play(role: RoleFiles, tmp_path: Path) -> None:
    files = (tmp_path / "a.yml", tmp_path / "b.yml")
    for file in files:
        file.write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
    play = written(a_play(replace(role, variables=files)), tmp_path)
    assert play["vars_files"] == ["variables/0.yml", "variables/1.yml"]
    assert {"project/variables/0.yml", "project/variables/1.yml"} <= sent(tmp_path)


def test_where_deployables_are_is_a_variable_of_the_play(role: RoleFiles, tmp_path: Path) -> None:
    with_one = replace(role, deployables=(Deployable("shop", tmp_path / "shop"),))
    assert written(a_play(with_one), tmp_path)["vars"]["deployables_path"] == "/src/deployables"


def test_history_and_caches_stay_here(role: RoleFiles, tmp_path: Path) -> None:
    for name in (".git/config", "library/__pycache__/a.pyc", "main.retry", "files/.gitignore"):
        (role.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (role.folder / name).touch()
    written(a_play(role), tmp_path)
    names = {name.removeprefix("project/roles/nginx/") for name in sent(tmp_path) if "/roles/" in name}
    assert names == {"tasks/main.yml", "files/.gitignore"}


def test_modes_and_links_are_sent_as_they_are(role: RoleFiles, tmp_path: Path) -> None:
    (role.folder / "run").touch()
    (role.folder / "run").chmod(0o755)
    (role.folder / "nowhere").symlink_to("not/there")
    written(a_play(role), tmp_path)
    copy = tmp_path / "private" / "project" / "roles" / "nginx"
    assert (copy / "run").stat().st_mode & 0o777 == 0o755
    assert (copy / "nowhere").readlink() == Path("not/there")


def test_parameters_stand_at_the_role_where_they_win_over_variables_of_the_play(
    role: RoleFiles, tmp_path: Path
) -> None:
    assert written(a_play(role), tmp_path) == {
        "name": "Role nginx",
        "hosts": "all",
        "any_errors_fatal": True,
        "module_defaults": MODULE_DEFAULTS,
        "vars": {"port": 80, "greeting": "{{ name }}"},
        "roles": [{"role": "nginx", "vars": {"port": 81, "name": "ü 😀"}}],
    }


def test_service_tasks_ask_the_stand_in_whosever_python_plays(role: RoleFiles, tmp_path: Path) -> None:
    borrowed = written(a_play(role), tmp_path / "borrowed")
    own = written(replace(a_play(role), borrowed_python=False, path="/opt/bin:/bin"), tmp_path / "own")
    for play in (borrowed, own):
        assert play["module_defaults"]["ansible.builtin.service"]["use"].endswith("systemd_service")
    assert "environment" not in borrowed, "its launcher makes it, whatever a task's own environment says"
    folders = own["environment"]["PATH"].split(":")
    assert folders[1:] == ["/dev/baseimage/standins/first", "/opt/bin", "/bin", "/dev/baseimage/standins"]


def test_a_role_without_parameters_has_no_variables_of_its_own(role: RoleFiles, tmp_path: Path) -> None:
    assert written(replace(a_play(role), parameters={}), tmp_path)["roles"] == [{"role": "nginx"}]


def test_facts_are_gathered_where_ansible_thinks_so_unless_the_role_does_without(
    role: RoleFiles, tmp_path: Path
) -> None:
    assert "gather_facts" not in written(a_play(role), tmp_path / "with")
    assert written(replace(a_play(role), gather_facts=False), tmp_path / "without")["gather_facts"] is False


def test_facts_about_hardware_are_left_out_where_no_role_can_see_them(role: RoleFiles, tmp_path: Path) -> None:
    assert "gather_subset" not in written(a_play(role), tmp_path / "with")
    without = written(replace(a_play(role), hardware_facts=False), tmp_path / "without")
    assert without["gather_subset"] == ["!hardware"]
    neither = written(replace(a_play(role), hardware_facts=False, gather_facts=False), tmp_path / "neither")
    assert "gather_subset" not in neither


def test_inventory_and_settings_are_beside_the_project(role: RoleFiles, tmp_path: Path) -> None:
    written(a_play(role), tmp_path)
    private = tmp_path / "private"
    assert json.loads((private / "inventory" / "hosts.json").read_text(encoding="utf-8")) == INVENTORY
    assert json.loads((private / "env" / "settings").read_text(encoding="utf-8")) == {
        "suppress_ansible_output": True,
        "fact_cache": FACTS,
        "fact_cache_type": "jsonfile",
    }


def test_a_folder_that_is_in_use_is_not_written_over(role: RoleFiles, tmp_path: Path) -> None:
    written(a_play(role), tmp_path)
    with pytest.raises(FileExistsError):
        written(a_play(role), tmp_path)


def test_a_link_out_of_the_role_is_sent_as_what_it_leads_to(role: RoleFiles, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a").write_text("shared")
    (role.folder / "files").symlink_to("../../shared")
    (role.folder / "loop").symlink_to("..")
    written(a_play(role), tmp_path)
    copy = tmp_path / "private" / "project" / "roles" / "nginx"
    assert (copy / "files" / "a").read_text() == "shared"
    assert not (copy / "files").is_symlink()
