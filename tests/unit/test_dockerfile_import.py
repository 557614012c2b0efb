"""What becomes of a Dockerfile: keys of the recipe, tasks of the role, and notes of what was lost."""

from __future__ import annotations

import pytest

from pipeline.dockerfile_import import Imported, import_dockerfile
from pipeline.dockerfile_source import read_dockerfile
from pipeline.errors import InputError, UsageError
from pipeline.imported_project import RECIPE, project_texts, role_name
from pipeline.recipe import Service, parse_recipe
from pipeline.yaml_source import JsonValue, read_yaml

FILES = frozenset({"a.txt", "b.txt", "rel.tar.gz", "site/index.html", "site/deep/x"})


def imported(text: str, stage: str = "", **arguments: str) -> Imported:
    """A Dockerfile, imported; without a FROM it has one."""
    text = text if "FROM" in text else f"FROM debian:13\n{text}"
    return import_dockerfile(
        read_dockerfile(text, "Dockerfile"), role="web", files=FILES, stage=stage, arguments=arguments
    )


def service(text: str) -> Service:
    """The service that the written recipe comes to; the current parser reads it without a warning."""
    parsed = parse_recipe(project_texts(imported(text), "web", "Dockerfile")[RECIPE], RECIPE)
    assert parsed.warnings == ()
    return parsed.recipe.services[0]


def task(text: str) -> dict[str, JsonValue]:
    """The last task, without its name."""
    last = dict(imported(text).tasks[-1])
    last.pop("name")
    return last


def module(text: str, name: str) -> JsonValue:
    return task(text)[f"ansible.builtin.{name}"]


def lost(text: str) -> list[tuple[int, str]]:
    return [(note.line, note.message) for note in imported(text).notes]


# the image's configuration


def test_from_is_the_base_and_a_variable_in_it_is_filled_in() -> None:
    assert imported("FROM debian:12").base == "debian:12"
    assert imported("ARG TAG=13\nFROM debian:${TAG}-slim AS x").base == "debian:13-slim"
    assert imported("ARG TAG\nFROM debian:${TAG:-9}").base == "debian:9"
    assert imported("ARG TAG=13\nFROM debian:$TAG", TAG="12").base == "debian:12"


@pytest.mark.parametrize("text", ["ARG X\nFROM $X", "FROM a b", "FROM ${X", "FROM a AS", "RUN x\nFROM a", "ARG X"])
def test_a_base_that_cannot_be_read_is_a_mistake_with_its_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        import_dockerfile(read_dockerfile(text, "Dockerfile"), role="web")
    assert caught.value.problems[0].line > 0


def test_scratch_is_refused_with_a_hint() -> None:
    with pytest.raises(InputError) as caught:
        imported("FROM golang AS build\nFROM scratch")
    assert (caught.value.problems[0].line, "bootstrap" in caught.value.problems[0].hint) == (2, True)


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("ENV A=b", {"A": "b"}),
        ("ENV A b  c", {"A": "b  c"}),
        ('ENV A="b c" D=e\\ f', {"A": "b c", "D": "e f"}),
        ("ENV A=b\nENV C=$A-${A}x D='$A' E=\\$A", {"A": "b", "C": "b-bx", "D": "$A", "E": "$A"}),
        ("ENV A=1 B=2\nENV A=2 B=$A", {"A": "2", "B": "1"}),
        ("ENV A=no B=1 C=null D=a:b E={{x}}", {"A": "no", "B": "1", "C": "null", "D": "a:b", "E": "{{x}}"}),
        ("ENV A=b \\\n  # a comment\n\n  C=d", {"A": "b", "C": "d"}),
        ("ENV E=", {"E": ""}),
    ],
)  # fmt: skip
def test_env_in_all_its_forms(text: str, environment: dict[str, str]) -> None:
    assert service(text).config.environment == environment


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("LABEL a=b", {"a": "b"}),
        ('LABEL "a.b"="c d"', {"a.b": "c d"}),
        ("LABEL a=b c=d\nLABEL e=f", {"a": "b", "c": "d", "e": "f"}),
        ('LABEL a="one \\\n two" b=3', {"a": "one  two", "b": "3"}),
    ],
)
def test_label_in_its_four_forms(text: str, labels: dict[str, str]) -> None:
    assert service(text).config.labels == labels


@pytest.mark.parametrize("name", ["CMD", "ENTRYPOINT"])
def test_commands_in_both_forms_and_with_the_shell_of_their_line(name: str) -> None:
    def words(text: str) -> tuple[str, ...] | None:
        config = service(text).config
        return config.command if name == "CMD" else config.entrypoint

    assert words(f'{name} ["a", "b c"]') == ("a", "b c")
    assert words(f'{name} a  "b c" $D') == ("/bin/sh", "-c", 'a  "b c" $D')
    shell = '["/bin/bash", "-o", "pipefail", "-c"]'
    assert words(f"SHELL {shell}\n{name} a | b") == ("/bin/bash", "-o", "pipefail", "-c", "a | b")
    assert words(f'{name} ["a" b]') == ("/bin/sh", "-c", '["a" b]')


def test_an_empty_entry_point_stays_none_at_all() -> None:
    assert service("ENTRYPOINT []").config.entrypoint == ()


def test_expose_with_variables_ranges_and_protocols() -> None:
    text = "ARG PORT=8000\nENV MORE='81 82'\nEXPOSE $PORT 53/udp 90-91 $MORE $PORT"
    assert service(text).config.exposed == tuple("8000/tcp 53/udp 90/tcp 91/tcp 81/tcp 82/tcp".split())


def test_user_volume_workdir_stop_signal_and_onbuild() -> None:
    config = service(
        'ENV D=sub\nUSER app\nVOLUME /a "/b"\nVOLUME ["/c d"]\nWORKDIR /srv\nWORKDIR $D/x\nSTOPSIGNAL SIGQUIT\n'
        "ONBUILD RUN echo $X\nONBUILD RUN echo $X"
    ).config
    assert (config.user, config.volumes, config.working_dir) == ("app", ("/a", "/b", "/c d"), "/srv/sub/x")
    assert (config.stop_signal, config.onbuild) == ("SIGQUIT", ("RUN echo $X", "RUN echo $X"))


def test_workdir_makes_its_folder_as_the_builder_does() -> None:
    assert module("WORKDIR /srv/x", "file") == {"path": "/srv/x", "state": "directory"}


def test_shell_is_for_what_follows_and_for_children() -> None:
    text = 'SHELL ["/bin/bash", "-c"]\nRUN a'
    assert service(text).config.shell == ("/bin/bash", "-c")
    assert module(text, "shell") == {"cmd": "a", "executable": "/bin/bash"}
    text = 'SHELL ["/bin/bash", "-ec"]\nRUN a'
    assert module(text, "command") == {"argv": ["/bin/bash", "-ec", "a"]}
    assert lost("SHELL /bin/sh") == [(2, "is read in the exec form only")]


def test_healthcheck_in_all_its_forms() -> None:
    check = service(
        "HEALTHCHECK --interval=5s --timeout=1m --start-period=2s --retries=4 CMD a || b"
    ).config.healthcheck
    assert check
    assert (check.test, check.interval, check.timeout, check.start_period, check.retries) == (
        ("CMD-SHELL", "a || b"), 5, 60, 2, 4,
    )  # fmt: skip
    check = service('HEALTHCHECK CMD ["a", "b"]').config.healthcheck
    assert check
    assert check.test == ("CMD", "a", "b")
    check = service("HEALTHCHECK NONE").config.healthcheck
    assert check
    assert check.test == ("NONE",)
    assert lost("HEALTHCHECK --start-interval=1s CMD a") == [(2, "--start-interval=1s has no key in a recipe")]
    assert lost("HEALTHCHECK a") == [(2, "is neither HEALTHCHECK CMD … nor HEALTHCHECK NONE")]


# RUN


def test_run_is_a_shell_with_directory_environment_and_user() -> None:
    assert task("ENV A=b\nWORKDIR /srv\nUSER app\nRUN echo $A && x") == {
        "ansible.builtin.shell": {"cmd": "echo $A && x", "chdir": "/srv"},
        "environment": {"A": "b"},
        "become": True,
        "become_user": "app",
        "changed_when": True,
    }


@pytest.mark.parametrize("user", ["root", "0", "root:root"])
def test_root_needs_nothing(user: str) -> None:
    assert "become" not in task(f"USER {user}\nRUN a")


def test_run_in_the_exec_form_is_a_command() -> None:
    assert module('RUN ["a", "b c", "{{ d }}"]', "command") == {"argv": ["a", "b c", "{% raw %}{{ d }}{% endraw %}"]}


def test_each_run_is_one_task_with_a_name_that_says_its_line() -> None:
    names = [each["name"] for each in imported("RUN a && \\\n  # comment\n  b\nRUN c").tasks]
    assert names == ["Run a && b (line 2)", "Run c (line 5)"]


def test_a_long_line_is_broken_where_the_shell_joins_it_again() -> None:
    words = "x" * 60
    assert module(f"RUN {words} && echo 'a && b' && {words}", "shell") == {
        "cmd": f"{words} \\\n  && echo 'a && b' \\\n  && {words}"
    }
    assert module(f"RUN {words} && {words} # && c", "shell") == {"cmd": f"{words} && {words} # && c"}


@pytest.mark.parametrize("text", ["echo {{ x }}", "echo ${#x[@]}", "echo {% x %}"])
def test_braces_are_not_taken_for_jinja(text: str) -> None:
    assert module(f"RUN {text}", "shell") == {"cmd": f"{{% raw %}}{text}{{% endraw %}}"}


def test_a_script_in_the_dockerfile_is_run() -> None:
    assert module("FROM a\nRUN <<EOF\na\nFROM b\nEOF\n", "shell") == {"cmd": "a\nFROM b\n"}
    assert module("RUN <<-EOF\n\ta\n\tEOF\n", "shell") == {"cmd": "a\n"}
    assert module("RUN <<EOF\n#!/usr/bin/env python3\na\nEOF\n", "command") == {
        "argv": ["/usr/bin/env", "python3", "/dev/stdin"], "stdin": "#!/usr/bin/env python3\na\n",
    }  # fmt: skip
    assert module("RUN --network=none cat <<EOF >x\na\nEOF\n", "shell") == {"cmd": "cat <<EOF >x\na\nEOF"}


def test_another_escape_character_is_understood() -> None:
    assert module("# escape=`\nFROM a\nRUN a `\n b \\c", "shell") == {"cmd": "a  b \\c"}
    assert imported("# escape=`\nFROM a\nENV A=x`$y").keys["environment"] == {"A": "x$y"}


# ARG


def test_an_arg_becomes_a_default_of_the_role_that_runs_see() -> None:
    got = imported("ARG VERSION=1.2\nRUN a")
    assert got.defaults == {"web_version": "1.2"}
    assert got.tasks[0]["environment"] == {"VERSION": "{{ web_version }}"}
    assert got.notes == ()


def test_an_arg_that_something_else_uses_is_written_in_and_that_is_said() -> None:
    assert lost("ARG V=1\nLABEL v=$V\nENV W=$V") == [(3, "the value of V is written in; web_v reaches RUN only")]


def test_an_arg_before_from_is_seen_by_a_stage_that_asks_for_it() -> None:
    assert imported("ARG V=1\nFROM a\nARG V\nRUN b").defaults == {"web_v": "1"}
    assert imported("ARG V=1\nFROM a\nRUN b").defaults == {}
    assert imported("ARG V=1\nFROM a\nARG V\nRUN b", V="2").defaults == {"web_v": "2"}
    assert lost("ARG V\nRUN b") == [(2, "V has no value")]


def test_env_goes_before_arg() -> None:
    assert task("ARG A=1\nENV A=2\nRUN b")["environment"] == {"A": "2"}


def test_the_usual_path_stands_for_the_base_s_and_that_is_said() -> None:
    got = imported("ENV PATH=/x:$PATH\nENV PATH=/y:$PATH")
    assert got.keys["environment"] == {"PATH": "/y:/x:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    assert [note.line for note in got.notes] == [2]


# COPY and ADD


@pytest.mark.parametrize("name", ["COPY", "ADD"])
def test_a_file_is_copied_as_root_with_its_mode(name: str) -> None:
    assert module(f"{name} a.txt /etc/a.txt", "copy") == {
        "src": "a.txt", "dest": "/etc/a.txt", "owner": "root", "group": "root", "mode": "preserve",
    }  # fmt: skip
    assert imported(f"{name} a.txt /etc/").files == ("a.txt",)


def test_what_is_in_a_folder_is_copied_and_its_target_s_folder_is_made() -> None:
    got = module("WORKDIR /app\nCOPY ./site .", "copy")
    assert got == {
        "src": "site/", "dest": "/app/", "owner": "root", "group": "root", "mode": "preserve",
        "directory_mode": "0755",
    }  # fmt: skip
    assert imported("COPY site /x").files == ("site/deep/x", "site/index.html")
    assert set(imported("COPY . /x").files) == FILES
    made = imported("COPY a.txt /new/deep/").tasks
    assert made[0]["ansible.builtin.file"] == {"path": "/new/deep", "state": "directory"}


def test_patterns_owners_and_modes() -> None:
    got = imported('COPY --link --chown=app --chmod=750 ["*.txt", "/etc/"]')
    assert [each["ansible.builtin.copy"] for each in got.tasks] == [
        {"src": f"{name}.txt", "dest": "/etc/", "owner": "app", "group": "app", "mode": "0750"} for name in "ab"
    ]
    assert got.notes == ()


def test_add_of_an_address_is_a_download_and_of_an_archive_an_unpacking() -> None:
    checksum = f"sha256:{'0' * 64}"
    assert module(f"ADD --checksum={checksum} https://x.org/f.bin?a=b /etc/", "get_url") == {
        "url": "https://x.org/f.bin?a=b", "dest": "/etc/f.bin", "owner": "root", "group": "root", "mode": "0600",
        "checksum": checksum,
    }  # fmt: skip
    assert module("ADD rel.tar.gz /opt", "unarchive") == {"src": "rel.tar.gz", "dest": "/opt"}
    assert "ansible.builtin.copy" in imported("COPY rel.tar.gz /opt").tasks[-1]


def test_a_document_in_the_dockerfile_is_written() -> None:
    text = 'ARG A=1\nCOPY <<EOF /etc/x\n"$A" \\$A\nEOF\n'
    assert module(text, "copy") == {
        "content": '"1" $A\n', "dest": "/etc/x", "owner": "root", "group": "root", "mode": "0644",
    }  # fmt: skip
    got = imported("COPY <<'one' <<-two /etc/\n$A\none\n\tb\ntwo\n").tasks
    assert [each["name"] for each in got] == ["Write /etc/one (line 2)", "Write /etc/two (line 2)"]
    assert [each["ansible.builtin.copy"] for each in got] == [
        {"content": content, "dest": f"/etc/{name}", "owner": "root", "group": "root", "mode": "0644"}
        for name, content in (("one", "$A\n"), ("two", "b\n"))
    ]


# stages, and what is lost


STAGES = (
    'FROM go AS build\nRUN b\nFROM debian AS lower\nENV A=1\nCMD ["a"]\nARG X=1\nFROM Lower\nRUN c\nENTRYPOINT ["e"]'
)


def test_the_last_stage_is_imported_with_what_it_is_built_on_and_others_are_listed() -> None:
    got = imported(STAGES)
    assert (got.base, got.keys) == ("debian", {"environment": {"A": "1"}, "entrypoint": ["e"]})
    assert [each["environment"] for each in got.tasks] == [{"A": "1"}]
    assert [(note.line, note.message) for note in got.notes] == [(1, "the stage build is not imported")]


def test_another_stage_can_be_asked_for() -> None:
    assert imported(STAGES, stage="BUILD").base == "go"
    with pytest.raises(UsageError, match="no stage 'nope'") as caught:
        imported(STAGES, stage="nope")
    assert "build, lower" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM --platform=linux/arm64 a", "--platform=linux/arm64 is not carried over"),
        ("MAINTAINER me", "has no key in a recipe"),
        ("FOO bar", "is no instruction that is known"),
        ("RUN --mount=type=secret,id=a b", "--mount=type=secret,id=a has no counterpart: the command runs without it"),
        ("COPY --from=build /a /b", "the files of build (--from=build /a /b) are not copied"),
        ("COPY --parents a.txt /b", "--parents has no counterpart in the role"),
        ("COPY nope /b", "nope is not in the folder, or .dockerignore leaves it out"),
        ("ADD https://x.org/a.git /b", "the repository https://x.org/a.git is not fetched"),
        ("ENV A=$NOPE", "$NOPE has no value here and is left empty"),
        ("ENV A=${B%x}", "this substitution of ${B…} is not known"),
        ("USER a:b\nRUN c", "the group of USER a:b holds in the image, not for this command"),
    ],
)
def test_what_is_lost_is_said_with_its_line_and_at_the_head_of_the_recipe(text: str, said: str) -> None:
    assert said in [message for _, message in lost(text)]
    assert all(line for line, _ in lost(text))
    recipe = project_texts(imported(text), "web", "Dockerfile")[RECIPE]
    head = " ".join(line.removeprefix("# ").strip() for line in recipe.splitlines() if line.startswith("#"))
    assert said in head


@pytest.mark.parametrize(
    ("flag", "instead"),
    [
        ("type=secret,id=a", "build_secrets: [{id: a, target: /run/secrets/a}]"),
        ("type=secret,id=a,target=/root/.npmrc", "build_secrets: [{id: a, target: /root/.npmrc}]"),
        ("type=secret,dst=/root/.netrc", "build_secrets: [{id: netrc, target: /root/.netrc}]"),
        ("type=secret,id=a,env=TOKEN", "build_secrets: [a]"),
    ],
)
def test_a_mounted_secret_is_lost_with_a_word_on_what_to_write_instead(flag: str, instead: str) -> None:
    (hint,) = [note.hint for note in imported(f"FROM a\nRUN --mount={flag} b").notes]
    assert instead in hint


@pytest.mark.parametrize("text", ["", "FROM a\nENV A", "FROM a\nRUN <<E\nx", "# escape=x\nFROM a"])
def test_what_is_no_dockerfile_is_a_mistake(text: str) -> None:
    with pytest.raises(InputError):
        read_dockerfile(text, "Dockerfile")


# what is written


def test_the_written_role_reads_back_as_the_tasks() -> None:
    got = imported("ARG A=no\nENV B='x: {{ y }}'\nRUN a && \\\n b\nCOPY . /x\nRUN <<E\na\n  b: \"c\\d\"\nE\n")
    texts = project_texts(got, "web", "Dockerfile")
    assert read_yaml(texts["roles/web/tasks/main.yml"], "x").data == list(got.tasks)
    assert read_yaml(texts["roles/web/defaults/main.yml"], "x").data == got.defaults
    assert service("RUN a").roles[0].name == "web"


def test_without_a_task_there_is_no_role() -> None:
    assert list(project_texts(imported("ARG A=1\nCMD a"), "web", "Dockerfile")) == [RECIPE]


def test_lines_may_end_as_on_windows() -> None:
    assert module("FROM a\r\nRUN b \\\r\n  c\r\n", "shell") == {"cmd": "b   c"}


@pytest.mark.parametrize(
    ("text", "name"), [("My-App", "my_app"), ("7zip", "app_7zip"), ("ä", "app"), ("__a__", "a"), ("a..b", "a_b")]
)
def test_any_folder_gives_a_name(text: str, name: str) -> None:
    assert role_name(text) == name
