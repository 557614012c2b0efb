"""What the conductor's image is made of, and how its first stage reaches this machine's package index."""

from __future__ import annotations

import configparser
import io
import tarfile
from pathlib import Path

import pytest

from pipeline import conductor_context
from pipeline.conductor_context import ca_bundle, context, image_files, image_key, pip_configuration, proxy_arguments

SECRET = "https://user:geheim@index.example/simple"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of our own, with two global files and a system bundle that are not there yet."""
    monkeypatch.setattr(conductor_context, "PIP_FILES", (str(tmp_path / "xdg.conf"), str(tmp_path / "etc.conf")))
    monkeypatch.setattr(conductor_context, "SYSTEM_BUNDLES", (str(tmp_path / "a.crt"), str(tmp_path / "b.crt")))
    return tmp_path


def settings(**environ: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()  # as strict as pip's
    parser.read_string(pip_configuration(environ))
    return dict(parser["global"])


def unpacked(environ: dict[str, str]) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(context(environ))) as archive:
        found = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        return {name: stream.read() for name, stream in found.items() if stream}


def test_the_context_holds_the_images_files_and_the_index_configuration() -> None:
    files = unpacked({})
    assert set(files) == {*image_files(), "index/pip.conf", "index/ca.crt"}
    assert {"Dockerfile", "requirements.txt", "standins/sudo", "launcher.c"} <= set(files)
    assert not any("__pycache__" in name for name in files)


def test_what_python_and_earlier_builds_left_beside_the_images_files_is_none_of_them(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Dockerfile", "standins/sudo", "__pycache__/a.pyc", "index/pip.conf"):
        (machine / "conductor_image" / name).parent.mkdir(parents=True, exist_ok=True)
        (machine / "conductor_image" / name).write_text(name)
    monkeypatch.setattr(conductor_context, "files", lambda _: machine)
    assert image_files() == {"Dockerfile": b"Dockerfile", "standins/sudo": b"standins/sudo"}


def test_what_is_run_in_targets_is_executable() -> None:
    with tarfile.open(fileobj=io.BytesIO(context({}))) as archive:
        modes = {member.name: member.mode for member in archive.getmembers()}
    assert modes["standins/sudo"] == 0o755
    assert modes["Dockerfile"] == 0o644


def test_the_same_context_is_the_same_bytes() -> None:
    assert context({}) == context({})


def test_the_images_key_does_not_depend_on_the_index_nor_on_its_secrets(machine: Path) -> None:
    before = image_key()
    (machine / "etc.conf").write_text(f"[global]\nindex-url = {SECRET}\n")
    environ = {"PIP_EXTRA_INDEX_URL": SECRET, "https_proxy": "http://user:geheim@proxy.example"}
    assert b"geheim" in unpacked(environ)["index/pip.conf"]
    assert image_key() == before
    assert not any(b"geheim" in content for name, content in unpacked(environ).items() if name != "index/pip.conf")


def test_the_key_is_that_of_names_and_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for files in ({"a": b"bc"}, {"ab": b"c"}, {"a": b"b", "c": b""}, {"a": b"bd"}):
        monkeypatch.setattr(conductor_context, "image_files", lambda files=files: files)
        keys.add(image_key())
    assert len(keys) == 4


def test_only_the_first_stage_of_the_image_sees_the_index() -> None:
    first, last = image_files()["Dockerfile"].decode().split("\nFROM ")[1:]
    assert "index/" in first
    assert "index" not in last


def test_without_any_configuration_the_section_is_empty() -> None:
    assert settings() == {}


def test_the_later_file_wins_and_the_environment_above_all(machine: Path) -> None:
    home = machine / "home"
    (home / ".config" / "pip").mkdir(parents=True)
    (machine / "xdg.conf").write_text("[global]\nindex-url = https://a\ntrusted-host = a\ntimeout = 1\n")
    (machine / "etc.conf").write_text("[global]\nindex-url = https://b\nproxy = http://b\n")
    (home / ".config" / "pip" / "pip.conf").write_text("[global]\nindex-url = https://c\n")
    assert settings(HOME=str(home)) == {
        "index-url": "https://c",
        "trusted-host": "a",
        "proxy": "http://b",
        "timeout": "1",
    }
    assert settings(HOME=str(home), PIP_INDEX_URL="https://d")["index-url"] == "https://d"
    assert settings(HOME=str(home), PIP_INDEX_URL="")["index-url"] == "https://c"


def test_a_section_of_pip_install_wins_over_global_of_any_file(machine: Path) -> None:
    (machine / "xdg.conf").write_text("[install]\nindex-url = https://install\n")
    (machine / "etc.conf").write_text("[global]\nindex-url = https://global\n[list]\nindex-url = https://list\n")
    assert settings() == {"index-url": "https://install"}


def test_names_are_taken_in_all_the_forms_that_pip_takes(machine: Path) -> None:
    (machine / "etc.conf").write_text("[global]\nindex_url = https://a\ndefault-timeout = 5\ntimeout = 6\n")
    assert settings() == {"index-url": "https://a", "timeout": "6"}
    assert settings(PIP_DEFAULT_TIMEOUT="180")["timeout"] == "180"


def test_several_addresses_stay_several_and_those_of_files_are_left_out(machine: Path) -> None:
    (machine / "etc.conf").write_text(
        "[global]\nindex-url = file:///srv/simple\nextra-index-url =\n  https://a\n  file:///opt/simple\n  https://b%20\n"
        "find-links = /opt/wheels\n"
    )
    assert settings() == {"extra-index-url": "https://a\nhttps://b%20"}


def test_a_file_that_the_environment_names_stands_for_the_users_own(machine: Path) -> None:
    home = machine / "home"
    (home / ".pip").mkdir(parents=True)
    (home / ".pip" / "pip.conf").write_text("[global]\nproxy = http://home\n")
    (machine / "etc.conf").write_text("[global]\ntimeout = 1\n")
    (machine / "named.conf").write_text("[global]\nindex-url = https://named\n")
    environ = {"HOME": str(home), "PIP_CONFIG_FILE": str(machine / "named.conf")}
    assert settings(**environ) == {"index-url": "https://named", "timeout": "1"}
    assert settings(**{**environ, "PIP_CONFIG_FILE": str(machine / "not there")}) == {
        "proxy": "http://home",
        "timeout": "1",
    }
    assert settings(HOME=str(home), PIP_CONFIG_FILE="/dev/null") == {}


@pytest.mark.parametrize("content", [b"no section\n", b"[global]\na = \xff\xfe\n", b"[global]\na = 1\na = 2\n"])
def test_a_file_that_pip_could_not_read_either_is_passed_over(machine: Path, content: bytes) -> None:
    (machine / "etc.conf").write_bytes(content)
    (machine / "xdg.conf").write_text("[global]\nindex-url = https://a\n")
    assert settings() == {"index-url": "https://a"}


def test_the_bundle_is_the_one_that_pip_would_take(machine: Path) -> None:
    names = ("PIP_CERT", "conf", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    for name in (*names, "a.crt", "b.crt"):
        (machine / name).write_text(name)
    (machine / "xdg.conf").write_text(f"[global]\ncert = {machine / 'b.crt'}\n")
    (machine / "etc.conf").write_text(f"[global]\ncert = {machine / 'conf'}\n")
    environ = {name: str(machine / name) for name in names if name != "conf"}
    found = []
    for name in names:
        found.append(ca_bundle(environ).decode())
        (machine / name).unlink()
        if name == "conf":
            (machine / "xdg.conf").unlink()
    assert found == list(names)
    assert ca_bundle(environ) == b"a.crt"
    (machine / "a.crt").unlink()
    assert ca_bundle({}) == b"b.crt"
    (machine / "b.crt").unlink()
    assert ca_bundle(environ) == b""


def test_proxies_are_handed_on_in_both_spellings_and_nothing_else() -> None:
    environ = {"http_proxy": "http://p", "HTTPS_PROXY": "http://q", "NO_PROXY": "", "PATH": "/bin", "no_proxy": "a,b"}
    assert proxy_arguments(environ) == {"http_proxy": "http://p", "HTTPS_PROXY": "http://q", "no_proxy": "a,b"}
