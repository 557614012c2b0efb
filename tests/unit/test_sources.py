"""Files of a project: texts, and where roles are."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import InputError, Problem, UsageError
from pipeline.player import Deployable, RoleFiles
from pipeline.recipe import RoleUse
from pipeline.role_finder import RoleFinder
from pipeline.sources import deployable_entries, read_text, read_vault_password, role_entries, role_words
from pipeline.task_files import named_in_tasks
from pipeline.yaml_source import JsonValue, read_yaml


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    return tmp_path


def add_role(folder: Path, *dependencies: str) -> Path:
    (folder / "tasks").mkdir(parents=True)
    (folder / "tasks" / "main.yml").write_text("[]\n")
    if dependencies:
        (folder / "meta").mkdir()
        (folder / "meta" / "main.yml").write_text(f"dependencies: [{', '.join(dependencies)}]\n")
    return folder


def finder(project: Path, *roles_path: Path) -> RoleFinder:
    return RoleFinder(project / "recipes" / "default.yml", project, roles_path)


def problem(project: Path, name: str) -> Problem:
    with pytest.raises(InputError) as caught:
        finder(project).find(RoleUse(name, line=12))
    (found,) = caught.value.problems
    return found


# texts


def test_a_text_is_read_as_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("ü\n".encode())
    assert read_text(tmp_path / "a", "recipe") == "ü\n"


def test_a_text_that_cannot_be_read_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"gr\xfc\xdfe")
    with pytest.raises(UsageError, match="the recipe is missing") as missing:
        read_text(tmp_path / "a", "recipe", "write one")
    assert missing.value.hint == "write one"
    with pytest.raises(UsageError, match=r"is not UTF-8 text .* at byte 2"):
        read_text(tmp_path / "latin", "recipe")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_text(tmp_path, "recipe")


# finding


@pytest.mark.parametrize(
    "place", ["roles/web", "recipes/roles/web", "recipes/web", "web"], ids=["project", "recipe", "path", "project path"]
)
def test_a_role_is_found_in_the_project_and_beside_the_recipe(project: Path, place: str) -> None:
    add_role(project / place)
    assert finder(project).find(RoleUse("web")) == RoleFiles("web", Path(place))


@pytest.mark.parametrize("written", ["../more/web", "more/web", "more/web/", "./more/web"])
def test_a_role_may_be_a_path_from_the_recipe_or_the_project(project: Path, written: str) -> None:
    add_role(project / "more" / "web")
    assert finder(project).find(RoleUse(written)) == RoleFiles("web", Path("more/web"))


def test_a_role_of_the_package_is_found_last_and_named_apart_when_none_is_found(project: Path, tmp_path: Path) -> None:
    add_role(tmp_path / "package" / "web")
    looking = RoleFinder(project / "recipes" / "default.yml", project, shipped=tmp_path / "package")
    assert looking.find(RoleUse("web")).folder == Path("package/web")
    with pytest.raises(InputError) as caught:
        looking.find(RoleUse("app"))
    assert caught.value.problems[0].hint.endswith("there are: none; shipped: web")
    add_role(project / "web")
    assert looking.find(RoleUse("web")).folder == Path("web")


def test_the_roles_path_comes_first_and_the_project_before_the_recipe(project: Path) -> None:
    for place in ("first/web", "second/web", "roles/web", "recipes/roles/web"):
        add_role(project / place)
    both = (project / "first", project / "second")
    assert finder(project, *both).find(RoleUse("web")).folder == Path("first/web")
    assert finder(project).find(RoleUse("web")).folder == Path("roles/web")


def test_a_folder_that_is_no_role_is_passed_over(project: Path) -> None:
    (project / "roles" / "web" / "files").mkdir(parents=True)
    add_role(project / "recipes" / "roles" / "web")
    assert finder(project).find(RoleUse("web")).folder == Path("recipes/roles/web")


def test_a_link_to_a_role_keeps_the_name_that_others_ask_for(project: Path) -> None:
    add_role(project / "shared" / "web-1.2")
    (project / "roles").mkdir()
    (project / "roles" / "web").symlink_to("../shared/web-1.2")
    found = finder(project).find(RoleUse("web"))
    assert (found.name, found.folder) == ("web", Path("roles/web"))
    assert [entry.path for entry in role_entries(found)] == ["web/tasks/main.yml"]


def test_a_missing_role_is_reported_at_the_recipes_line_with_the_roles_that_there_are(project: Path) -> None:
    add_role(project / "roles" / "nginx")
    add_role(project / "recipes" / "roles" / "app")
    (project / "roles" / "notes.txt").touch()
    assert problem(project, "ngnix") == Problem(
        "recipes/default.yml",
        12,
        1,
        "roles",
        "there is no role 'ngnix'",
        "looked in roles, recipes/roles; there are: app, nginx",
    )


def test_without_any_role_the_hint_says_so(project: Path) -> None:
    assert problem(project, "web").hint == "looked in roles, recipes/roles; there are: none"


# the vault's password


def test_a_vault_password_is_the_first_line_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\nand a remark\n")
    assert read_vault_password(tmp_path / "password", {}) == "s3cret"


@pytest.mark.allow("process")
def test_a_vault_password_may_be_what_a_program_prints(tmp_path: Path) -> None:
    (tmp_path / "password").write_text('#!/bin/sh\necho "$SECRET"\necho more\n')
    (tmp_path / "password").chmod(0o700)
    assert read_vault_password(tmp_path / "password", {"SECRET": "s3cret", "PATH": "/bin:/usr/bin"}) == "s3cret"


@pytest.mark.allow("process")
@pytest.mark.parametrize(("text", "mode"), [("\n", 0o600), ("", 0o600), ("#!/bin/sh\nexit 3\n", 0o700), ("x", 0o700)])
def test_where_no_vault_password_comes_from_is_the_users_to_mend(tmp_path: Path, text: str, mode: int) -> None:
    (tmp_path / "password").write_text(text)
    (tmp_path / "password").chmod(mode)
    with pytest.raises(UsageError, match="password") as caught:
        read_vault_password(tmp_path / "password", {"PATH": "/bin:/usr/bin"})
    assert str(tmp_path / "password") in caught.value.message


# dependencies


@pytest.mark.parametrize(
    "written", ["base", "{role: base}", "{name: base, vars: {a: 1}}", '{role: base, when: "true"}', "'base'"]
)
def test_a_dependency_is_found_in_every_form(project: Path, written: str) -> None:
    add_role(project / "roles" / "web", written)
    add_role(project / "roles" / "base")
    found = finder(project).find(RoleUse("web"))
    assert found.dependencies == (RoleFiles("base", Path("roles/base")),)


@pytest.mark.parametrize("meta", ["", "galaxy_info: {}\n", "dependencies:\n", "dependencies: {}\n", "[]\n"])
def test_a_meta_file_without_dependencies_has_none(project: Path, meta: str) -> None:
    (add_role(project / "roles" / "web") / "meta").mkdir()
    (project / "roles" / "web" / "meta" / "main.yml").write_text(meta)
    assert finder(project).find(RoleUse("web")).dependencies == ()


def test_dependencies_of_dependencies_count_and_yaml_is_yaml(project: Path) -> None:
    add_role(project / "roles" / "web", "base")
    add_role(project / "roles" / "base", "users")
    (project / "roles" / "base" / "meta" / "main.yml").rename(project / "roles" / "base" / "meta" / "main.yaml")
    add_role(project / "roles" / "users")
    paths = [entry.path for entry in role_entries(finder(project).find(RoleUse("web")))]
    assert paths == [
        "web/meta/main.yml",
        "web/tasks/main.yml",
        "base/meta/main.yaml",
        "base/tasks/main.yml",
        "users/tasks/main.yml",
    ]


def test_roles_that_depend_on_each_other_end(project: Path) -> None:
    add_role(project / "roles" / "a", "b", "a")
    add_role(project / "roles" / "b", "c")
    add_role(project / "roles" / "c", "a")
    entries = role_entries(finder(project).find(RoleUse("a")))
    assert {entry.path.split("/")[0] for entry in entries} == {"a", "b", "c"}
    assert len(entries) == len(set(entries))


def test_a_missing_dependency_says_whose_it_is(project: Path) -> None:
    add_role(project / "roles" / "web", "base")
    found = problem(project, "web")
    assert (found.line, found.message) == (12, "there is no role 'base' (a dependency of web)")


def test_a_meta_file_that_is_no_yaml_is_an_input_error(project: Path) -> None:
    add_role(project / "roles" / "web", "a, b: c: d")
    assert problem(project, "web").file == "roles/web/meta/main.yml"


# entries


def modes(folder: Path) -> dict[str, str]:
    return {entry.path: entry.mode for entry in role_entries(RoleFiles("web", folder))}


def test_tools_own_files_are_no_part_of_a_role(tmp_path: Path) -> None:
    add_role(tmp_path)
    for name in (".git/config", "library/__pycache__/a.pyc", "tasks/main.retry", "b.pyc", ".DS_Store"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / ".gitignore").touch()
    assert set(modes(tmp_path)) == {"web/tasks/main.yml", "web/files/.gitignore"}
    (tmp_path / "submodule").mkdir()
    (tmp_path / "submodule" / ".git").write_text("gitdir: elsewhere")
    assert "web/submodule/.git" not in modes(tmp_path)


def test_of_a_files_mode_only_the_executable_bit_counts(tmp_path: Path) -> None:
    for mode in (0o644, 0o600, 0o755, 0o700, 0o411):
        (tmp_path / f"{mode:o}").touch()
        (tmp_path / f"{mode:o}").chmod(mode)
    assert modes(tmp_path) == {"web/644": "", "web/600": "", "web/755": "x", "web/700": "x", "web/411": "x"}


def test_a_link_counts_by_what_it_says_even_when_it_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").touch()
    (tmp_path / "to_folder").symlink_to("folder")
    (tmp_path / "nowhere").symlink_to("not/there")
    assert modes(tmp_path) == {"web/folder/a": "", "web/nowhere": "link", "web/to_folder": "link"}
    before = role_entries(RoleFiles("web", tmp_path))
    (tmp_path / "nowhere").unlink()
    (tmp_path / "nowhere").symlink_to("not/there/either")
    assert role_entries(RoleFiles("web", tmp_path)) != before


def test_two_roles_with_the_same_file_are_told_apart(tmp_path: Path) -> None:
    entries = role_entries(RoleFiles("a", add_role(tmp_path / "a"), (RoleFiles("b", add_role(tmp_path / "b")),)))
    assert [entry.path for entry in entries] == ["a/tasks/main.yml", "b/tasks/main.yml"]


# tasks of a recipe


def test_tasks_of_a_recipe_become_a_role_that_their_content_names(tmp_path: Path) -> None:
    finder = RoleFinder(tmp_path / "recipe.yml", tmp_path, scratch=tmp_path / "state")
    use = RoleUse("tasks", tasks=({"name": "a", "ansible.builtin.debug": {"msg": "{{ b }}"}},))
    found = finder.find(use)
    assert (found.name, found.folder.name) == ("tasks", "tasks")
    written = found.folder / "tasks" / "main.yml"
    assert read_yaml(written.read_text(encoding="utf-8"), "x").data == list(use.tasks)
    assert finder.find(replace(use, line=9)) == found
    other = finder.find(replace(use, tasks=({"name": "b"},)))
    assert other.folder != found.folder
    assert [entry.path for entry in role_entries(other)] == ["tasks/tasks/main.yml"]
    assert role_entries(other) != role_entries(found)


def test_a_file_of_tasks_is_found_from_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "more.yml").write_text("- name: a\n", encoding="utf-8")
    (tmp_path / "recipes" / "map.yml").write_text("name: a\n", encoding="utf-8")
    finder = RoleFinder(tmp_path / "recipes/recipe.yml", tmp_path, scratch=tmp_path / "state")
    folder = finder.find(RoleUse("more", tasks_file="more.yml")).folder
    assert (folder / "tasks/main.yml").read_text(encoding="utf-8") == "- name: a\n"
    for name, place, message in (
        ("nope.yml", "recipes/recipe.yml:5", "the file of tasks is missing"),
        ("map.yml", "recipes/map.yml:1", "is no list of tasks"),
    ):
        with pytest.raises(InputError) as caught:
            finder.find(RoleUse("more", line=5, tasks_file=name))
        (problem,) = caught.value.problems
        assert f"{problem.file}:{problem.line}" == place
        assert message in problem.message


def add_files(folder: Path, *paths: str) -> None:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"of {path}\n", encoding="utf-8")


def test_what_tasks_of_a_recipe_name_travels_with_them_and_nothing_else(tmp_path: Path) -> None:
    add_files(tmp_path, "files/motd", "files/conf.d/a.conf", "files/conf.d/deep/b", "files/other", "files/x.key")
    add_files(tmp_path, "templates/page.j2", "templates/parts/head.j2", "templates/motd", "recipes/files/near")
    (tmp_path / "templates/page.j2").write_text("{% include 'parts/head.j2' %}\n{{ title }}\n", encoding="utf-8")
    finder = RoleFinder(tmp_path / "recipes/recipe.yml", tmp_path, scratch=tmp_path / "state")
    tasks: tuple[JsonValue, ...] = (
        {"name": "other", "ansible.builtin.copy": {"src": "motd", "dest": "/etc/other"}},
        {"block": [{"ansible.builtin.copy": "src=near dest=/etc/near"}]},
        {"ansible.builtin.copy": {"src": "files/conf.d/", "dest": "/etc/conf.d"}},
        {"ansible.builtin.template": {"src": "page.j2", "dest": "/srv/page"}},
        {"ansible.builtin.copy": {"content": "{{ lookup('file', 'x.key') }}", "dest": "/etc/key"}},
        {"ansible.builtin.copy": {"src": "/etc/passwd", "dest": "../other"}},
        {"ansible.builtin.copy": {"src": "{{ which }}", "dest": "/etc/which"}},
    )
    add_files(tmp_path, "files/chosen")
    use = RoleUse("tasks", parameters={"which": "chosen"}, tasks=tasks)
    paths = [entry.path.removeprefix("tasks/") for entry in role_entries(finder.find(use))]
    assert paths == [
        "files/chosen",
        "files/conf.d/a.conf",
        "files/conf.d/deep/b",
        "files/motd",
        "files/near",
        "files/x.key",
        "tasks/main.yml",
        "templates/motd",
        "templates/page.j2",
        "templates/parts/head.j2",
    ]
    before = role_entries(finder.find(use))
    assert "title" in role_words(finder.find(use), before).words
    (tmp_path / "files/other").write_text("changed", encoding="utf-8")
    assert role_entries(finder.find(use)) == before
    (tmp_path / "files/conf.d/deep/b").write_text("changed", encoding="utf-8")
    assert role_entries(finder.find(use)) != before


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ({"copy": {"src": "a"}, "loop": ["a", "b.conf"]}, ["a", "b.conf"]),
        ({"copy": {"src": "conf/{{ item }}.conf"}}, ["conf/*.conf"]),
        ({"copy": {"src": "{{ item }}"}, "with_fileglob": "conf/*.conf"}, ["conf/*.conf"]),
        ({"copy": {"src": "../a"}, "get_url": {"url": "https://example.org/a"}}, []),
        ({"shell": {"cmd": "a\nb"}}, []),
    ],
)
def test_names_of_files_in_tasks(task: dict[str, JsonValue], names: list[str]) -> None:
    assert list(named_in_tasks([task])) == names


def test_the_project_s_collections_are_part_of_every_role(project: Path) -> None:
    add_role(project / "roles" / "app")
    plugin = project / "collections" / "ansible_collections" / "acme" / "tools" / "plugins" / "filter" / "shout.py"
    plugin.parent.mkdir(parents=True)
    plugin.touch()
    paths = [entry.path for entry in role_entries(finder(project).find(RoleUse("app")))]
    assert paths == ["app/tasks/main.yml", "collections/ansible_collections/acme/tools/plugins/filter/shout.py"]


def test_a_missing_role_of_a_project_with_modules_is_said_how_to_fetch(project: Path) -> None:
    assert "initialize" not in problem(project, "app").hint
    (project / ".projmodules").touch()
    assert "fetched by: baseimage initialize" in problem(project, "app").hint


# files of variables


def test_files_of_variables_count_by_their_content_and_a_missing_one_is_a_mistake(project: Path) -> None:
    add_role(project / "roles" / "app")
    looking = RoleFinder(project / "recipes" / "default.yml", project, variables=("vault.yml",))
    with pytest.raises(InputError, match=r"vault\.yml"):
        looking.find(RoleUse("app"))
    for text in ("one", "two"):
        (project / "recipes").mkdir(exist_ok=True)
        (project / "recipes" / "vault.yml").write_text(text)
        found = {entry.path: entry.digest for entry in role_entries(looking.find(RoleUse("app")))}
        assert found["variables/0"] == hashlib.sha256(text.encode()).hexdigest()


# deployables


def test_the_deployables_that_a_role_names_are_part_of_its_files(project: Path) -> None:
    add_role(project / "roles" / "app")
    for name in ("shop", "other"):
        (project / "deployables" / name / ".git").mkdir(parents=True)
        (project / "deployables" / name / ".git" / "HEAD").touch()
        (project / "deployables" / name / "run").touch(mode=0o755)
    found = finder(project).find(RoleUse("app", deployables=("shop",)))
    assert found.deployables == (Deployable("shop", Path("deployables/shop")),)
    paths = [(entry.path, entry.mode) for entry in role_entries(found)]
    assert paths == [("app/tasks/main.yml", ""), ("/src/deployables/shop/run", "x")]


@pytest.mark.parametrize("name", ["shp", "..", "../roles", "shop/lib"])
def test_a_deployable_that_is_no_folder_of_its_place_is_a_mistake(project: Path, name: str) -> None:
    add_role(project / "roles" / "app")
    (project / "deployables" / "shop" / "lib").mkdir(parents=True)
    with pytest.raises(InputError) as caught:
        finder(project).find(RoleUse("app", line=7, deployables=(name,)))
    (found,) = caught.value.problems
    assert str(found) == (f"recipes/default.yml:7:1: role app deployables: there is no folder deployables/{name}")
    assert found.hint.startswith("there are: shop; ")


# included roles


def add_tasks(folder: Path, text: str) -> Path:
    add_role(folder)
    (folder / "tasks" / "main.yml").write_text(text)
    return folder


@pytest.mark.parametrize(
    "task",
    [
        "include_role: {name: base}",
        "import_role: name=base tasks_from=x",
        "ansible.builtin.include_role: \"name='base'\"",
        "ansible.legacy.import_role: {role: base}",
        "block: [{include_role: {name: base}}]",
        "block: [{debug: }]\n  rescue: [{block: [{import_role: {name: base}}]}]",
        "include_role:\n  args: {name: base}",
    ],
)
def test_a_role_that_tasks_name_is_sent_and_counted(project: Path, task: str) -> None:
    add_tasks(project / "roles" / "web", f"- {task}\n")
    add_role(project / "roles" / "base")
    found = finder(project).find(RoleUse("web"))
    assert found.dependencies == (RoleFiles("base", Path("roles/base")),)
    assert "base/tasks/main.yml" in {entry.path for entry in role_entries(found)}


def test_handlers_and_other_files_of_tasks_are_looked_through(project: Path) -> None:
    folder = add_role(project / "roles" / "web")
    (folder / "tasks" / "deep").mkdir()
    (folder / "handlers").mkdir()
    (folder / "tasks" / "deep" / "a.yaml").write_text("- include_role: {name: a}\n")
    (folder / "handlers" / "main.yml").write_text("- import_role: {name: b}\n")
    (folder / "tasks" / "broken.yml").write_text("a: b: c\n")
    for name in "ab":
        add_role(project / "roles" / name)
    assert [each.name for each in finder(project).find(RoleUse("web")).dependencies] == ["a", "b"]


def test_a_templated_name_is_a_warning_with_its_line(project: Path) -> None:
    add_tasks(project / "roles" / "web", "- debug:\n- include_role:\n    name: '{{ which }}'\n")
    assert finder(project).find(RoleUse("web")).dependencies == ()
    (warning,) = finder(project).warnings(RoleUse("web"))
    assert (warning.file, warning.line) == ("roles/web/tasks/main.yml", 2)
    assert "only known when it is played" in warning.message


def test_a_role_that_is_not_there_is_a_mistake_where_it_is_imported_and_a_warning_where_it_is_included(
    project: Path,
) -> None:
    folder = add_tasks(project / "roles" / "web", "- include_role: {name: nowhere}\n")
    (warning,) = finder(project).warnings(RoleUse("web"))
    assert warning.message == "there is no role 'nowhere'"
    (folder / "tasks" / "main.yml").write_text("- import_role: {name: nowhere}\n")
    assert "'nowhere' (a dependency of web)" in problem(project, "web").message


@pytest.mark.parametrize("how", ["include_role", "import_role"])
def test_a_role_of_a_collection_is_the_conductors(project: Path, how: str) -> None:
    add_tasks(project / "roles" / "web", f"- {how}: {{name: community.general.some}}\n")
    assert finder(project).find(RoleUse("web")).dependencies == ()
    assert finder(project).warnings(RoleUse("web")) == ()


def test_roles_that_include_themselves_end(project: Path) -> None:
    add_tasks(project / "roles" / "web", "- include_role: {name: web, tasks_from: other}\n")
    assert finder(project).find(RoleUse("web")).dependencies == ()


def test_two_roles_of_one_name_are_refused_with_a_sentence(project: Path) -> None:
    add_role(project / "a" / "web", "base", "b/base")
    add_role(project / "roles" / "base")
    add_role(project / "b" / "base")
    found = problem(project, "a/web")
    assert found.line == 12
    assert found.message == "two roles that are played together are called 'base': roles/base, b/base"


# links


def test_a_link_out_of_the_role_stands_for_what_it_leads_to(project: Path) -> None:
    role = add_role(project / "roles" / "web")
    (project / "shared" / "deep").mkdir(parents=True)
    (project / "shared" / "deep" / "a").write_text("1")
    (role / "files").symlink_to("../../shared")
    (role / "one").symlink_to(project / "shared" / "deep" / "a")
    (role / "same").symlink_to("tasks/main.yml")
    found = finder(project).find(RoleUse("web"))
    before = {entry.path: entry for entry in role_entries(found)}
    assert {path: entry.mode for path, entry in before.items()} == {
        "web/files/deep/a": "",
        "web/one": "",
        "web/same": "link",
        "web/tasks/main.yml": "",
    }
    (project / "shared" / "deep" / "a").write_text("2")
    after = {entry.path: entry for entry in role_entries(found)}
    assert {path for path in after if after[path] != before[path]} == {"web/files/deep/a", "web/one"}


@pytest.mark.parametrize(
    ("target", "said"),
    [("/etc/passwd", "out of the project"), ("../../../elsewhere", "out of the project"), ("../nothing", "nowhere")],
)
def test_a_link_out_of_the_project_is_refused_with_its_name(project: Path, target: str, said: str) -> None:
    (add_role(project / "roles" / "web") / "certificate").symlink_to(target)
    found = problem(project, "web")
    assert found.file == "roles/web/certificate"
    assert f"leads {said}, to {target}" in found.message


def test_what_an_applications_dockerignore_leaves_out_is_neither_sent_nor_counted(tmp_path: Path) -> None:
    for name in ("app.py", "node_modules/a.js", "docs/a.md", "docs/keep.md", "logs/a.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert len(deployable_entries(tmp_path)) == 5
    (tmp_path / ".dockerignore").write_text("# no\nnode_modules\n**/*.log\ndocs/*\n!docs/keep.md\n")
    assert [each.path for each in deployable_entries(tmp_path)] == [".dockerignore", "app.py", "docs/keep.md"]
