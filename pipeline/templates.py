"""Jinja in a recipe: a text with {{ … }} filled in from variables, without a way to anything outside of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.errors import UsageError
from pipeline.yaml_source import JsonValue

_LONGEST = 100_000
_MARKS = ("{{", "{%", "{#")
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)


def is_template(value: object) -> bool:
    """Whether a value is a text that holds Jinja."""
    return isinstance(value, str) and any(mark in value for mark in _MARKS)


def names_in(text: str) -> frozenset[str]:
    """The names that a text uses, filters of Ansible's among its words or not; none where it is no template."""
    try:
        return frozenset(node.name for node in _ENVIRONMENT.parse(text).find_all(nodes.Name) if node.ctx == "load")
    except TemplateSyntaxError:
        return frozenset()


def literal(value: JsonValue) -> JsonValue:
    """The template of a value: filled in, it is the value again, whatever marks its texts hold."""
    match value:
        case str() if is_template(value):
            return f"{{% raw %}}{value}{{% endraw %}}"
        case list():
            return [literal(each) for each in value]
        case dict():
            return {key: literal(each) for key, each in value.items()}
        case _:
            return value


def render(text: str, variables: Mapping[str, JsonValue]) -> JsonValue:
    """A template's value. A text that is one whole {{ expression }} keeps the type of its value.

    Raises UsageError for a template that is wrong, and for a variable that is not there (with the nearest name).
    """
    try:
        template = _compiled(text)
        if missing := sorted(template.names - variables.keys() - _ENVIRONMENT.globals.keys()):
            raise _not_defined(missing[0], variables)
        value = template.fill(**variables)
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()  # noqa: SLF001 - the library's way to say which part is missing
    except UndefinedError as error:
        raise UsageError(f"the template cannot be filled in: {error.message}") from None
    except TemplateSyntaxError as error:
        hint = "a text with {{ in it that is no template is written {% raw %}{{{% endraw %}"
        raise UsageError(f"this is not a valid template: {error.message}", hint=hint) from None
    except (TemplateError, SecurityError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise UsageError(f"the template cannot be filled in: {error}") from None
    return _plain(value)


@dataclass(frozen=True, slots=True)
class _Template:
    """A text made ready: the names that it needs, and what makes its value."""

    names: frozenset[str]
    fill: Callable[..., object]


@lru_cache(maxsize=1000)
def _compiled(text: str) -> _Template:
    parsed = _ENVIRONMENT.parse(text)
    names = frozenset(meta.find_undeclared_variables(parsed))
    match parsed.body:
        case [nodes.Output(nodes=[node])] if not isinstance(node, nodes.TemplateData) and _is_bare(text):
            inner = text.strip()[2:-2].strip("-+ ")
            return _Template(names, _ENVIRONMENT.compile_expression(inner, undefined_to_none=False))
        case _:
            return _Template(names, _ENVIRONMENT.from_string(parsed).render)


def _is_bare(text: str) -> bool:
    """No comment beside the expression."""
    return text.strip().startswith("{{") and text.strip().endswith("}}")


def _plain(value: object) -> JsonValue:
    """Only what YAML can hold, and not without end."""
    match value:
        case str() if len(value) > _LONGEST:
            raise UsageError(f"the template makes a text of more than {_LONGEST} characters")
        case str():
            return str(value)
        case bool() | int() | float() | None:
            return value
        case list() | tuple():
            return [_plain(each) for each in value]
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case _:
            raise UsageError(f"the template's value is no text, number, list or map but {type(value).__name__}")


def _not_defined(name: str, variables: Mapping[str, JsonValue]) -> UsageError:
    near = get_close_matches(name, variables, n=1)
    if name in ("lookup", "query", "q"):
        hint = "a recipe looks nothing up: give the value with -e NAME=VALUE or in the environment as AC_NAME"
    elif near:
        hint = f"did you mean {near[0]}?"
    else:
        known = ", ".join(sorted(variables)) or "none"
        hint = f"give it under defaults, in a vars file, as AC_{name.upper()} or with -e; there are: {known}"
    return UsageError(f"the variable {name} is not defined", hint=hint)
