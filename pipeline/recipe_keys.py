"""What every map of a recipe has in common: unknown keys are mistakes, and some keys are read over."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


def _show_ignored(schema: dict[str, Any], model: type[Any]) -> None:
    """Let editors accept the keys that are read over, and mark them."""
    for key, reason in sorted(model.ignored.items()):
        schema["properties"][key] = {"deprecated": True, "description": f"Ignored: it {reason}."}


class Keys(BaseModel):
    """A map of the recipe; `ignored` are keys of ansible-container that are read over, each with the reason."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        defer_build=True,  # a validator for the whole recipe, when one is read, and not one for each part as well
        json_schema_extra=_show_ignored,
    )
    ignored: ClassVar[dict[str, str]] = {}

    @classmethod
    def known(cls) -> tuple[str, ...]:
        """The keys as they are written in YAML, the map's own before those that it shares with others."""
        own = cls.__annotations__
        names = sorted(cls.model_fields, key=lambda name: name not in own)
        return tuple(cls.model_fields[name].alias or name for name in names)
