"""Plain data as YAML text that people read."""

from __future__ import annotations

import yaml

from pipeline.yaml_source import JsonValue

WIDTH = 120


def yaml_text(value: JsonValue, comments: tuple[str, ...] = ()) -> str:
    """One document, its keys in their order, below lines of comment. Texts that look like numbers are quoted."""
    body = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True, default_flow_style=False)
    return "".join(f"# {line}\n" for line in comments) + f"---\n{body}"


class _Dumper(yaml.SafeDumper):
    """Lists stand below their key, indented; nothing is written as an anchor."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's own form
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's own form
        return True
