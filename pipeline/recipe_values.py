"""Types of a recipe's values: how each is read, and what a JSON Schema says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from pipeline import image_keys, project, sizes
from pipeline.cache_settings import check_repository
from pipeline.errors import UsageError
from pipeline.reference import ImageReference
from pipeline.secret_options import SECRET_ID


def choice(expected: str, alternatives: dict[type, str]) -> Discriminator:
    """A union decided by the value's type; the tags' odd form keeps them apart from every key of a recipe."""

    def tag(value: object) -> str | None:
        if isinstance(value, bool):  # it is an int to Python, but not to people
            return alternatives.get(bool)
        return next((tag for kind, tag in alternatives.items() if isinstance(value, kind)), None)

    return Discriminator(tag, custom_error_type="expected", custom_error_message=f"must be {expected}")


def base_choice(*kinds: str) -> Discriminator:
    """The union of bases: a text, or a map that is known by one of these keys."""

    def tag(value: object) -> str | None:
        if isinstance(value, str):
            return "<reference>"
        return next((f"<{kind}>" for kind in kinds if isinstance(value, dict) and kind in value), None)

    expected = f"must be an image reference, or a map with one of {', '.join(kinds[:-1])} and {kinds[-1]}"
    return Discriminator(tag, custom_error_type="expected", custom_error_message=expected)


def role_choice() -> Discriminator:
    """The union of what `roles` lists: a name, a map with `role`, or one with `tasks`."""

    def tag(value: object) -> str | None:
        if isinstance(value, str):
            return "<text>"
        if isinstance(value, dict):
            return "<tasks>" if "tasks" in value and "role" not in value else "<map>"
        return None

    expected = "must be a role's name, or a map with the key role or tasks"
    return Discriminator(tag, custom_error_type="expected", custom_error_message=expected)


def _read_by(read: Callable[[Any], object]) -> BeforeValidator:
    """A validator out of a function that raises UsageError."""

    def run(value: Any) -> object:
        try:
            return read(value)
        except UsageError as error:
            raise PydanticCustomError("mistake", "{message}", {"message": error.message, "hint": error.hint}) from error

    return BeforeValidator(run)


def _checked_by(check: Callable[[str], object]) -> BeforeValidator:
    """A validator that looks at texts only and changes nothing; the type itself refuses the rest."""

    def run(value: object) -> object:
        if isinstance(value, str):
            check(value)
        return value

    return _read_by(run)


def _check_reference(text: str) -> None:
    if text == "scratch":
        raise UsageError("scratch holds nothing to provision", hint="write from: {bootstrap: trixie}")
    ImageReference.parse(text)


def _format_version(value: object) -> str:
    if value in ("2", "2.0"):
        return "2"
    reasons = {"1": "version 1 recipes run a playbook, not roles, and are not read", "3": "this is a Compose version"}
    reason = reasons.get(str(value).partition(".")[0], "there is no such version of the format")
    raise UsageError(f'must be "2": {reason}', hint='write version: "2"')


def _form(pattern: str) -> StringConstraints:
    return StringConstraints(pattern=pattern)


_SCALAR = {"type": ["string", "number", "boolean"]}
_WORDS = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": _SCALAR}]})
_NUMBER_OR_TEXT = WithJsonSchema({"type": ["string", "number"]})
_TEXT = WithJsonSchema({"type": "string"})

Text = Annotated[str, _form(r"\S")]
Scalar = Annotated[str, WithJsonSchema(_SCALAR)]
"""A text, number or boolean, as it is written in the file."""
AbsolutePath = Annotated[str, _form(r"^/")]
PositiveSeconds = Annotated[float, Field(gt=0)]
Words = Annotated[tuple[str, ...], _read_by(image_keys.words), _WORDS]
HealthTest = Annotated[tuple[str, ...], _read_by(image_keys.health_test), _WORDS]
Published = Annotated[tuple[str, ...], _read_by(image_keys.published_ports), _NUMBER_OR_TEXT]
Exposed = Annotated[tuple[str, ...], _read_by(image_keys.exposed_ports), _NUMBER_OR_TEXT]
Duration = Annotated[float, _read_by(image_keys.duration), _NUMBER_OR_TEXT]
Freshness = Annotated[
    Literal["auto", "never"] | float,
    _read_by(image_keys.freshness),
    WithJsonSchema({"type": "string", "pattern": r"^(auto|never|([1-9][0-9]*[mhdw])+)$"}),
]
Size = Annotated[int, _read_by(sizes.size_in_bytes), _NUMBER_OR_TEXT]
Percent = Annotated[float, _read_by(sizes.per_cent), WithJsonSchema({"type": "string", "pattern": r"^[0-9.]+ *%$"})]
StopSignal = Annotated[str, _read_by(image_keys.stop_signal), _NUMBER_OR_TEXT]
User = Annotated[str, _form(r"^\S+$"), _NUMBER_OR_TEXT]
VolumePath = Annotated[str, _read_by(image_keys.volume_path)]
Environment = Annotated[
    Annotated[dict[Annotated[str, _checked_by(image_keys.environment_name)], Scalar], Tag("<map>")]
    | Annotated[list[Annotated[tuple[str, str], _read_by(image_keys.environment_pair), _TEXT]], Tag("<list>")],
    choice("a map, or a list of NAME=value", {dict: "<map>", list: "<list>"}),
]
Labels = Annotated[
    Annotated[dict[Text, Scalar], Tag("<map>")]
    | Annotated[list[Annotated[tuple[str, str], _read_by(image_keys.label_pair), _TEXT]], Tag("<list>")],
    choice("a map, or a list of name=value", {dict: "<map>", list: "<list>"}),
]
Reference = Annotated[str, _checked_by(_check_reference)]
CacheRepository = Annotated[str, _checked_by(check_repository)]
Suite = Annotated[str, _form(r"^[a-z][a-z0-9._-]*$")]
Sha256 = Annotated[str, _form(r"^[0-9a-f]{64}$")]
Template = Annotated[str, _checked_by(project.check_template)]
ProjectName = Annotated[str, _checked_by(project.check_project_name)]
ServiceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=63)]
SecretId = Annotated[str, _form(rf"^{SECRET_ID}$")]
FileMode = Annotated[str, _form(r"^0?[0-7]{3}$")]
TasksName = Annotated[str, _form(r"^[A-Za-z0-9_]+$")]
FormatVersion = Annotated[Literal["2"], _read_by(_format_version), WithJsonSchema({"enum": ["2", 2]})]
