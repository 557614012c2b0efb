"""Plain data as YAML text in the form that the linters of recipes and roles ask for."""

from __future__ import annotations

from typing import Any

import yaml

WIDTH = 110


def yaml_text(data: Any) -> str:
    """A block of YAML: keys in their order, lists indented, texts of several lines as they are."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False)


class _Dumper(yaml.SafeDumper):
    """No aliases; items of a list stand below their key; what needs quotes gets double ones."""

    def choose_scalar_style(self) -> str:
        style = str(super().choose_scalar_style())
        holds = set(self.event.value) if isinstance(self.event, yaml.ScalarEvent) else set()
        return '"' if style == "'" and not holds & set('"\\') else style

    def ignore_aliases(self, _: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's
        return super().increase_indent(flow, False)  # noqa: FBT003 - PyYAML's


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
