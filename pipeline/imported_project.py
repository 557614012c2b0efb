"""What was imported, as the texts of a project's files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from textwrap import wrap

from pipeline.dockerfile_import import Imported
from pipeline.dockerfile_marks import marked
from pipeline.errors import Problem
from pipeline.templates import literal
from pipeline.yaml_source import JsonValue
from pipeline.yaml_text import yaml_text

RECIPE = "recipes/default.yml"
_WIDTH = 110
_LONGEST = 120
_ANY_LENGTH = "# yamllint disable rule:line-length\n"
VERSION = {"version.txt": "0.1.0\n"}


def role_name(text: str) -> str:
    """A name for role and service out of any text: small letters, digits and _, a letter first."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"app_{name}".rstrip("_")


def project_texts(imported: Imported, name: str, source: str) -> dict[str, str]:
    """Recipe and role; the files that the role copies are not among them."""
    service: dict[str, JsonValue] = {"from": imported.base}
    texts = {}
    if imported.tasks:
        service["roles"] = [{"role": name, "gather_facts": False}]
        texts[f"roles/{name}/tasks/main.yml"] = _file(_spaced(imported.tasks))
    if imported.tasks and imported.defaults:
        head = "# The ARGs of the Dockerfile that RUN lines see.\n"
        texts[f"roles/{name}/defaults/main.yml"] = _file(f"{head}{yaml_text(imported.defaults)}")
    keys = {key: literal(value) for key, value in imported.keys.items()}
    recipe: dict[str, JsonValue] = {"version": "2", "services": {name: {**service, **keys}}}
    return {RECIPE: _file(f"{comment(imported.notes, source)}{yaml_text(recipe)}"), **texts}


def comment(notes: Iterable[Problem], source: str) -> str:
    """The head of an imported recipe: where it comes from, and what was lost on the way."""
    lines = [f"Imported from {source}."]
    for note in notes:
        lines += ["Not carried over:"] if len(lines) == 1 else []
        lines += wrap(str(note), _WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
        lines += wrap(note.hint, _WIDTH, initial_indent="  hint: ", subsequent_indent="  ", break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def _spaced(tasks: Iterable[Mapping[str, JsonValue]]) -> str:
    return "\n".join(marked(yaml_text([dict(task)]), dict(task)) for task in tasks)


def _file(text: str) -> str:
    """A file's text; lines that nothing can break are no mistake of whoever reads it."""
    long = any(len(line) > _LONGEST for line in text.splitlines())
    return f"---\n{_ANY_LENGTH if long else ''}{text}"
