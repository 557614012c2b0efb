"""What --secret says, in BuildKit's words, and what comes of it on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.build_secrets import LARGEST, read_secrets
from pipeline.errors import UsageError
from pipeline.secret_options import SecretSource, secret_sources


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("id=token", SecretSource("token")),
        ("id=token,src=a/b.txt", SecretSource("token", file="a/b.txt")),
        ("source=~/.npmrc,id=npm-rc", SecretSource("npm-rc", file="~/.npmrc")),
        ("id=token,env=TOKEN", SecretSource("token", variable="TOKEN")),
        ("type=env,id=token,src=TOKEN", SecretSource("token", variable="TOKEN")),
        ("type=env,id=token", SecretSource("token")),
        ("type=file,id=token,src=f", SecretSource("token", file="f")),
        ('id=token,"src=a,b"', SecretSource("token", file="a,b")),
        ("ID=token,Src=x=y", SecretSource("token", file="x=y")),
    ],
)
def test_it_is_read_as_buildkit_reads_it(text: str, meant: SecretSource) -> None:
    assert secret_sources([text]) == (meant,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no id"),
        ("src=f", "has no id"),
        ("id=", "has no id"),
        ("id=../x", "is no id"),
        ("id=a b", "is no id"),
        ("id=token,type=ssh", "no type 'ssh'"),
        ("id=token,src=f,env=V", "both a file and a variable"),
        ("id=token,uid=0", "none of id, src, env and type"),
        ('id=token,"src=f', "quotes do not match"),
        ("s3cret-value", "none of id, src, env and type"),
        ("id=token,s3cret-value", "none of id, src, env and type"),
    ],
)
def test_a_mistake_is_told_without_what_may_be_the_secret(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        secret_sources([text])
    assert message in caught.value.message
    assert "s3cret-value" not in caught.value.message + caught.value.hint


def test_one_id_is_given_once() -> None:
    with pytest.raises(UsageError, match="token is given twice"):
        secret_sources(["id=token,src=a", "id=token,src=b"])


def test_an_id_alone_is_the_variable_of_that_name_else_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_bytes(b"of the file\n")
    alone = secret_sources(["id=token"])
    assert read_secrets(alone, {})["token"] == b"of the file\n"
    assert read_secrets(alone, {"token": "of the variable"})["token"] == b"of the variable"


def test_a_value_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\x00\r\n")
    values = read_secrets(secret_sources([f"id=key,src={tmp_path}/key", "id=word,env=WORD"]), {"WORD": " ü "})
    assert (values["key"], values["word"]) == (b"\xff\x00\r\n", " ü ".encode())


def test_what_is_empty_is_not_given(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    values = read_secrets(secret_sources([f"id=a,src={tmp_path}/empty", "id=b,env=B"]), {"B": " \n"})
    assert values.ids == ()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("id=a,env=NOT_SET", "the variable NOT_SET is not set", "src="),
        ("id=a,src=nowhere", "nowhere cannot be read: No such file", ""),
        ("id=nothing", "nothing cannot be read", "no variable is called nothing either"),
    ],
)
def test_what_is_not_there_is_told_at_once(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_secrets(secret_sources([text]), {})
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_large_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (LARGEST + 1))
    with pytest.raises(UsageError, match="more than 500 KiB"):
        read_secrets(secret_sources([f"id=a,src={tmp_path}/large"]), {})
