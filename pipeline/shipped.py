"""What comes with the package for projects to use: the roles, and the template of a new project."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from pipeline.yaml_source import JsonValue, read_yaml

_PACKAGE = Path(str(files("pipeline")))


def shipped_roles() -> Path:
    """The folder with bootstrap and its companions: inside the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "shipped_roles"
    return installed if installed.is_dir() else _PACKAGE.parent / "roles"


def template_folder() -> Path:
    """The files of a new project; @NAME@ in them is filled in, dot-NAME is called .NAME there."""
    return _PACKAGE / "project_template"


def cells() -> dict[str, tuple[str, ...]]:
    """The service layers that each init of the role bootstrap goes with; aliases are inits as well."""
    path = shipped_roles() / "bootstrap/vars/main/matrix.yml"
    matrix = read_yaml(path.read_text(encoding="utf-8"), str(path))
    every = tuple(_map(matrix.at(("container_svcs",))))
    aliases = _map(matrix.at(("container_aliases",)))
    found = {init: _layers(says, every) for init, says in _map(matrix.at(("container_inits",))).items()}
    return found | {alias: found[str(init)] for alias, init in aliases.items() if init in found}


def _layers(says: JsonValue, every: tuple[str, ...]) -> tuple[str, ...]:
    layers = _map(says).get("svcs")
    return tuple(str(layer) for layer in layers) if isinstance(layers, list) else every


def _map(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}
