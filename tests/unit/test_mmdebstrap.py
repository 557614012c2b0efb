"""How mmdebstrap is asked for a root."""

from __future__ import annotations

import subprocess
from dataclasses import fields, replace
from pathlib import Path

import pytest

from pipeline.mmdebstrap import MERGED_USR, SLIM_EXCLUDES, arguments, sources
from pipeline.recipe import Bootstrap

PLAIN = Bootstrap("trixie")
CHANGED = Bootstrap(
    suite="noble",
    variant="apt",
    include=("curl", "less"),
    exclude=("nano",),
    mirror="http://mirror.example/debian",
    components=("main", "contrib"),
    path_excludes=("/usr/share/doc/*",),
    security=False,
    architecture="arm64",
)


def rules(asked: tuple[str, ...]) -> list[str]:
    """The path rules among the options."""
    return [word.removeprefix("--dpkgopt=") for word in asked if word.startswith("--dpkgopt=path-")]


def test_a_plain_root_is_minimal_and_slim() -> None:
    asked = arguments(PLAIN)
    assert asked[:2] == ("--variant=minbase", "--components=main")
    assert rules(asked) == list(SLIM_EXCLUDES)
    assert f"--hook-dir={MERGED_USR}" in asked
    assert not any(word.startswith(("--include", "--architectures")) for word in asked)
    assert sources(PLAIN) == ()


def hook(option: str, root: Path) -> None:
    """Run a hook as mmdebstrap does."""
    subprocess.run(["sh", "-c", option.removeprefix("--customize-hook="), "exec", str(root)], check=True)


@pytest.mark.allow("process")
def test_the_names_of_the_machine_that_builds_stay_out(tmp_path: Path) -> None:
    names = [tmp_path / "etc" / name for name in ("hostname", "resolv.conf", "hosts")]
    names[0].parent.mkdir()
    for name in names:
        name.touch()
    hook(arguments(PLAIN)[-2], tmp_path)
    assert [name.exists() for name in names] == [False, False, True]


@pytest.mark.allow("process")
def test_folders_of_other_architectures_stay_out_unless_a_package_has_them_or_something_is_in_them(
    tmp_path: Path,
) -> None:
    for name in ("lib", "lib32", "lib64", "libx32"):
        (tmp_path / "usr" / name).mkdir(parents=True)
        (tmp_path / name).symlink_to(f"usr/{name}")
    (tmp_path / "usr/lib64/ld.so").touch()
    (tmp_path / "var/lib/dpkg/info").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/info/some.list").write_text("/.\n/usr\n/usr/lib32\n/usr/libx32/more\n")
    hook(arguments(PLAIN)[-1], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"lib", "lib32", "lib64", "usr", "var"}
    assert {path.name for path in (tmp_path / "usr").iterdir()} == {"lib", "lib32", "lib64"}
    hook(arguments(PLAIN)[-1], tmp_path)


def test_every_wish_of_the_recipe_becomes_an_option() -> None:
    asked = arguments(CHANGED)
    assert asked[:4] == (
        "--variant=apt",
        "--components=main,contrib",
        "--include=curl,less,nano-",
        "--architectures=arm64",
    )
    assert rules(asked) == ["path-exclude=/usr/share/doc/*"]


def test_no_path_rules_keep_everything() -> None:
    assert rules(arguments(replace(PLAIN, path_excludes=()))) == []


@pytest.mark.parametrize("name", sorted({field.name for field in fields(Bootstrap)} - {"suite", "security"}))
def test_no_key_of_a_bootstrap_is_read_and_ignored(name: str) -> None:
    changed = replace(PLAIN, **{name: getattr(CHANGED, name)})
    assert (arguments(changed), sources(changed)) != (arguments(PLAIN), sources(PLAIN))


def test_a_mirror_brings_updates_and_security_along() -> None:
    base = replace(PLAIN, mirror="http://mirror.example/debian/", components=("main", "contrib"))
    assert sources(base) == (
        "deb http://mirror.example/debian/ trixie main contrib",
        "deb http://mirror.example/debian/ trixie-updates main contrib",
        "deb http://mirror.example/debian-security trixie-security main contrib",
    )


def test_a_mirror_without_security_is_the_release_alone() -> None:
    assert sources(CHANGED) == ("deb http://mirror.example/debian noble main contrib",)


def test_lines_of_sources_list_are_taken_as_they_are() -> None:
    lines = "deb http://a.example x main\ndeb http://b.example y main"
    assert sources(replace(PLAIN, mirror=lines)) == tuple(lines.splitlines())
