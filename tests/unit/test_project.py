"""version.txt, image.txt, and the names of images."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError, UsageError
from pipeline.image_names import all_image_names, image_names
from pipeline.project import (
    ImageSettings,
    Project,
    check_template,
    follows_gitflow,
    make_project,
    parse_image,
    parse_version,
    parse_version_file,
)
from pipeline.reference import ImageReference

NUMBERS = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2.3\n", "1.2.3"),
        ("\ufeff1.2.3\r\n\r\n", "1.2.3"),
        ("# the next one\n1.2.3-rc.1+build.7", "1.2.3-rc.1+build.7"),
        ("release=0.1.0\nrepository=acme/base\nprefix=v\n", "0.1.0"),
        ("release = 0.1.0  # soon", "0.1.0"),
    ],
)
def test_both_forms_of_the_version_file_are_read(text: str, version: str) -> None:
    assert parse_version(text, "version.txt") == version


@given(NUMBERS, NUMBERS, NUMBERS)
def test_any_three_numbers_are_a_version(major: int, minor: int, patch: int) -> None:
    text = f"{major}.{minor}.{patch}"
    assert parse_version(f"{text}\n", "version.txt") == text


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "the file is empty", "write one line such as 0.1.0"),
        ("# only\n", "the file is empty", "write one line such as 0.1.0"),
        ("v1.2.3", "'v1.2.3' is not a version", "write 1.2.3"),
        ("1.2", "'1.2' is not a version", "write 1.2.0"),
        ("1", "'1' is not a version", "write 1.0.0"),
        ("0.08.9", "'0.08.9' is not a version", "write 0.8.9"),
        ("V2-rc.1", "'V2-rc.1' is not a version", "write 2.0.0-rc.1"),
        ("1.2.3.4", "'1.2.3.4' is not a version", "write three numbers such as 0.1.0"),
        ("soon", "'soon' is not a version", "write three numbers such as 0.1.0"),
        ("1.2.3\n1.2.4", "only one line is expected", ""),
        ("repository=acme/base", "no version is given", "write release = 0.1.0"),
        ("release=", "has no value", "give it one"),
        ("relase=1.2.3", "unknown key", "did you mean release?"),
    ],
)
def test_a_version_file_that_cannot_be_read_says_why(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_version(text, "version.txt")
    (problem,) = caught.value.problems
    assert (problem.file, message in problem.message, hint in problem.hint) == ("version.txt", True, True)


def test_the_long_form_of_the_version_file_may_name_more() -> None:
    settings = parse_version_file("release=0.1.0\nrepository=acme/base\nprefix=x-\n", "version.txt")
    assert settings == ImageSettings(release="0.1.0", repository="acme/base", prefix="x-")


@pytest.mark.parametrize("text", ["acme/base", "acme/base\r\n", "# where\nacme/base # here\n"])
def test_a_bare_name_in_the_image_file_is_the_repository(text: str) -> None:
    assert parse_image(text, "image.txt") == ImageSettings(repository="acme/base")


def test_every_key_of_the_image_file_is_read() -> None:
    text = """# where images go
repository = registry.example:5000/acme/base
release=1.2.3
  prefix = ci_

ansible_distribution = Debian=stable
ansible_distribution_version=12
project = shop
""".replace("\n", "\r\n")
    assert parse_image(text, "image.txt") == ImageSettings(
        "registry.example:5000/acme/base", "1.2.3", "ci_", "Debian=stable", "12", "shop"
    )


@pytest.mark.parametrize(
    ("said", "follows"), [(("", ""), False), (("", "true"), True), (("true", ""), True), (("false", "true"), False)]
)
def test_either_file_may_say_that_gitflow_is_followed(said: tuple[str, str], *, follows: bool) -> None:
    texts = (f"repository = x\ngitflow = {word}\n" if word else "repository = x\n" for word in said)
    assert follows_gitflow(*(parse_image(text, "image.txt") for text in texts)) is follows


@pytest.mark.parametrize(
    ("line", "message"),
    [("gitflow = yes", "'yes' is neither true nor false"), ("also = minor, newest", "no moving tag newest")],
)
def test_what_is_said_about_gitflow_is_checked(line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_image(f"repository = x\n{line}\n", "image.txt")


def test_an_empty_image_file_says_nothing() -> None:
    assert parse_image("# nothing yet\n", "image.txt") == ImageSettings()


def test_all_mistakes_of_an_image_file_are_reported_by_line() -> None:
    text = "repository = Acme/Base:1\nrelase = 1.0.0\nprefix =\nproject = -x\nproject = y\nrelease = 1.0\nword\n"
    with pytest.raises(InputError) as caught:
        parse_image(text, "image.txt")
    assert [(problem.line, problem.path) for problem in caught.value.problems] == [
        (1, "repository"),
        (2, "relase"),
        (3, "prefix"),
        (4, "project"),
        (5, "project"),
        (6, "release"),
        (7, ""),
    ]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("Acme/base", "the repository 'Acme/base'", "write acme/base"),
        ("acme/base:1.0", "has a tag or digest", "write acme/base"),
        ("a\nb", "only one line is expected", ""),
        ("prefix = a/b", "cannot begin a tag", ""),
        ("prefix = $USER", "cannot begin a tag", ""),
    ],
)
def test_an_image_file_that_cannot_be_used_says_why(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_image(text, "image.txt")
    (problem,) = caught.value.problems
    assert message in problem.message
    assert hint in problem.hint
    assert problem.line >= 1


def test_the_first_source_that_says_something_wins() -> None:
    project = make_project(
        folder="folder",
        cli=ImageSettings(prefix="cli-"),
        recipe=ImageSettings(project="recipe", prefix="recipe-"),
        version_file=ImageSettings(release="1.0.0"),
        image_file=ImageSettings("acme/base", "9.9.9", "image-", project="image"),
        tags=("{project}:{version}",),
    )
    assert project == Project("recipe", "1.0.0", "acme/base", "cli-", ("{project}:{version}",))


def test_the_folder_names_the_project_when_nobody_else_does() -> None:
    assert make_project(folder="shop", image_file=ImageSettings(release="1.0.0")) == Project("shop", "1.0.0")


def test_a_project_without_a_version_is_refused_with_the_next_step() -> None:
    with pytest.raises(UsageError, match="has no version") as caught:
        make_project(folder="shop")
    assert "version.txt" in caught.value.hint


@pytest.mark.parametrize(
    ("folder", "settings", "message"),
    [
        ("My Shop", ImageSettings(release="1.0.0"), "'My Shop' cannot name a project"),
        ("shop", ImageSettings(release="1.0"), "'1.0' is not a version"),
        ("shop", ImageSettings(release="1.0.0", repository="A"), "the repository 'A'"),
        ("shop", ImageSettings(release="1.0.0", prefix="/"), "'/' cannot begin a tag"),
    ],
)
def test_what_the_command_line_says_is_checked_too(folder: str, settings: ImageSettings, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_project(folder=folder, cli=settings)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("project", "templates", "names"),
    [
        (
            Project("shop", "1.2.3", "acme/base"),
            (),
            ("acme/base:shop.api.1.2.3", "acme/base:shop.api.latest"),
        ),
        (
            Project("shop", "1.2.3", "acme/base", "ci-"),
            (),
            ("acme/base:ci-shop.api.1.2.3", "acme/base:ci-shop.api.latest"),
        ),
        (Project("shop", "1.2.3"), (), ("shop-api:1.2.3", "shop-api:latest")),
        (Project("shop", "1.2.3", prefix="ci-"), (), ("ci-shop-api:1.2.3", "ci-shop-api:latest")),
        (Project("shop", "1.2.3-rc.1+7.a"), (), ("shop-api:1.2.3-rc.1-7.a", "shop-api:latest")),
        (Project("shop", "1.2.3"), ("{repository}:{service}",), ("shop:api",)),
        (
            Project(
                "shop", "1.2.3", "reg.example:5000/a", "p", ("{repository}/{service}:{prefix}{major}.{minor}.{patch}",)
            ),
            (),
            ("reg.example:5000/a/api:p1.2.3",),
        ),
        (Project("shop", "1.2.3", tags=("a:{version}",)), ("b:{version}", "b:1.2.3"), ("b:1.2.3",)),
    ],
)
def test_images_are_named_after_project_service_and_version(
    project: Project, templates: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert image_names(project, "api", templates) == names


@given(st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True), st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True))
def test_default_names_are_what_the_engine_accepts(name: str, service: str) -> None:
    for project in (Project(name, "1.0.0-rc.1+b"), Project(name, "1.0.0+b", "acme/base")):
        assert all(ImageReference.parse(found).tag for found in image_names(project, service))


@pytest.mark.parametrize(
    ("template", "message", "hint"),
    [
        ("{repo}:{version}", "the field {repo} is not known", "{repository}"),
        ("{}:{version}", "the field {} is not known", "{repository}"),
        ("{project.name}:1", "the field {project.name} is not known", "{project}"),
        ("{project!r}:1", "the field {project} is not known", ""),
        ("{version:>10}:1", "the field {version} is not known", ""),
        ("{project", "the braces do not match", "write a field as {version}"),
        ("{project}", "has no tag", "write {project}:{version}"),
        ("Shop/{service}:{version}", "the repository 'Shop/api'", "write shop/api:1.0.0"),
        ("{project}:{service}/{version}", "", ""),
    ],
)
def test_a_template_that_cannot_be_used_says_why(template: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        image_names(Project("shop", "1.0.0"), "api", (template,))
    (problem,) = caught.value.problems
    assert problem.path == template
    assert message in problem.message
    assert hint in problem.hint


def test_all_templates_that_cannot_be_used_are_reported() -> None:
    with pytest.raises(InputError) as caught:
        image_names(Project("shop", "1.0.0"), "api", ("{a}:1", "ok:1", "{b}:1"))
    assert [problem.path for problem in caught.value.problems] == ["{a}:1", "{b}:1"]


def test_a_project_with_capitals_needs_a_repository() -> None:
    with pytest.raises(InputError, match="the repository 'Shop-api'"):
        image_names(Project("Shop", "1.0.0"), "api")
    assert image_names(Project("Shop", "1.0.0", "acme/base"), "api")[0] == "acme/base:Shop.api.1.0.0"


def test_two_services_never_get_the_same_name() -> None:
    names = all_image_names(Project("shop", "1.0.0"), ("api", "web"))
    assert names == {"api": ("shop-api:1.0.0", "shop-api:latest"), "web": ("shop-web:1.0.0", "shop-web:latest")}
    with pytest.raises(InputError, match="api and web would both get it"):
        all_image_names(Project("shop", "1.0.0", tags=("{project}:{version}",)), ("api", "web"))


def test_a_good_template_is_given_back() -> None:
    assert check_template("{repository}:{version}") == "{repository}:{version}"
