"""What is said of services that a role started or enabled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.scripts import settle
from pipeline.service_notes import service_warnings


def line(**said: Any) -> str:
    known = {
        "name": "nginx",
        "active": True,
        "enabled": True,
        "failure": "",
        "provided": True,
        "supervised": False,
        "layer": True,
    }
    return f"service: {json.dumps(known | said)}"


def test_a_service_that_nothing_will_run_is_named_with_what_would() -> None:
    assert service_warnings(["ended: nginx", line()]) == (
        (
            "the role asked systemd to start and enable nginx: an image has no systemd",
            "give it /etc/service/nginx/run",
        ),
    )


def test_without_a_service_layer_the_images_command_may_start_it() -> None:
    ((_, hint),) = service_warnings([line(layer=False)])
    assert hint.startswith("start it from the image's command")


@pytest.mark.parametrize("said", [{"supervised": True}, {"active": False, "enabled": False}])
def test_nothing_is_said_of_what_is_run_or_was_only_stopped(said: dict[str, Any]) -> None:
    assert service_warnings([line(**said)]) == ()


def test_a_service_that_nobody_provides_may_be_a_slip() -> None:
    ((message, _),) = service_warnings([line(name="ngnix", provided=False)])
    assert "neither a unit nor an init script" in message


def test_an_init_script_that_failed_is_told_and_passed_over() -> None:
    ((message, _),) = service_warnings([line(supervised=True, failure="/etc/init.d/nginx start ended with 1: oh")])
    assert message.endswith("nginx: /etc/init.d/nginx start ended with 1: oh")


def test_the_last_word_on_each_matter_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "service" / "sshd").mkdir(parents=True)
    (tmp_path / "service" / "sshd" / "run").touch()
    notes = tmp_path / "services.jsonl"
    monkeypatch.setattr(settle, "NOTES", str(notes))
    monkeypatch.setattr(settle, "SUPERVISED", str(tmp_path / "service"))
    assert settle.services() == []
    said = [
        {"name": "ssh", "active": True, "failure": "x", "provided": True},
        {"name": "ssh", "enabled": True, "provided": True},
        {"name": "ssh", "active": False, "failure": "", "provided": True},
    ]
    notes.write_text("".join(f"{json.dumps(each)}\n" for each in said))
    (found,) = settle.services()
    assert found == {
        "name": "ssh",
        "active": False,
        "enabled": True,
        "failure": "",
        "provided": True,
        "supervised": True,
        "layer": True,
    }
