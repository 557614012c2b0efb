"""Instructions that say something about the image: their values under the recipe's keys."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.dockerfile_scope import Scope, Task
from pipeline.dockerfile_stages import Instruction
from pipeline.yaml_source import JsonValue

_TIMES = {"--interval": "interval", "--timeout": "timeout", "--start-period": "start_period"}


class Declared:
    """The recipe's image keys, filled by one instruction after the other."""

    def __init__(self) -> None:
        self.keys: dict[str, JsonValue] = {}
        self._command_is_ours = False
        self._takers: dict[str, Callable[[Instruction, Scope], list[Task] | None]] = {
            "CMD": self._command,
            "ENTRYPOINT": self._entrypoint,
            "ENV": self._environment,
            "EXPOSE": self._expose,
            "HEALTHCHECK": self._healthcheck,
            "LABEL": self._labels,
            "ONBUILD": self._onbuild,
            "SHELL": self._shell,
            "STOPSIGNAL": self._stop_signal,
            "USER": self._user,
            "VOLUME": self._volumes,
            "WORKDIR": self._working_dir,
        }

    def next_stage(self) -> None:
        """What follows is a stage on top: its entry point drops a command that it did not set itself."""
        self._command_is_ours = False

    def knows(self, name: str) -> bool:
        """Whether the instruction is one about the image."""
        return name in self._takers

    def take(self, each: Instruction, scope: Scope) -> list[Task]:
        """Note what the instruction says; the tasks that it needs as well."""
        return self._takers[each.name](each, scope) or []

    def _command(self, each: Instruction, scope: Scope) -> None:
        self.keys["command"] = _words(each, scope)
        self._command_is_ours = True

    def _entrypoint(self, each: Instruction, scope: Scope) -> None:
        self.keys["entrypoint"] = _words(each, scope)
        if not self._command_is_ours:
            self.keys.pop("command", None)

    def _environment(self, each: Instruction, scope: Scope) -> None:
        values = _pairs(each, scope)
        scope.environment |= values
        self._map("environment").update(values)

    def _labels(self, each: Instruction, scope: Scope) -> None:
        self._map("labels").update(_pairs(each, scope))

    def _expose(self, each: Instruction, scope: Scope) -> None:
        self._add("expose", *(port for word in scope.words(each) for port in word.split()))

    def _volumes(self, each: Instruction, scope: Scope) -> None:
        self._add("volumes", *scope.words(each))

    def _user(self, each: Instruction, scope: Scope) -> None:
        scope.user = scope.expand(each, each.rest)
        self.keys["user"] = scope.user

    def _working_dir(self, each: Instruction, scope: Scope) -> list[Task]:
        scope.working_dir = scope.path(scope.expand(each, each.rest)).rstrip("/") or "/"
        self.keys["working_dir"] = scope.working_dir
        return scope.folder(each, scope.working_dir)

    def _stop_signal(self, each: Instruction, scope: Scope) -> None:
        self.keys["stop_signal"] = scope.expand(each, each.rest)

    def _shell(self, each: Instruction, scope: Scope) -> None:
        if not each.json or not each.words:
            scope.note(each, "is read in the exec form only", 'write SHELL ["/bin/bash", "-c"]')
            return
        scope.shell = each.words
        self.keys["shell"] = list(each.words)

    def _onbuild(self, each: Instruction, scope: Scope) -> None:  # noqa: ARG002 - the trigger is kept as it stands
        self._add("onbuild", each.rest)

    def _healthcheck(self, each: Instruction, scope: Scope) -> None:
        kind, *test = each.words or ("",)
        if kind.upper() == "NONE":
            self.keys["healthcheck"] = {"disable": True}
            return
        if kind.upper() != "CMD" or not test:
            scope.note(each, "is neither HEALTHCHECK CMD … nor HEALTHCHECK NONE")
            return
        check: dict[str, JsonValue] = {"test": ["CMD" if each.json else "CMD-SHELL", *test]}
        for flag in each.flags:
            name, _, value = flag.partition("=")
            if name in _TIMES:
                check[_TIMES[name]] = value
            elif name == "--retries" and value.isdigit():
                check |= {"retries": int(value)} if int(value) else {}
            else:
                scope.note(each, f"{flag} has no key in a recipe")
        self.keys["healthcheck"] = check

    def _map(self, key: str) -> dict[str, JsonValue]:
        value = self.keys.setdefault(key, {})
        return value if isinstance(value, dict) else {}

    def _add(self, key: str, *more: str) -> None:
        value = self.keys.setdefault(key, [])
        if isinstance(value, list):
            value += [each for each in more if key == "onbuild" or each not in value]


def _words(each: Instruction, scope: Scope) -> list[JsonValue]:
    """A command: the exec form as it is, the shell form behind the shell."""
    return [*each.words] if each.json else [*scope.shell, each.rest]


def _pairs(each: Instruction, scope: Scope) -> dict[str, str]:
    names, values = each.words[::2], each.words[1::2]
    return {scope.expand(each, name): scope.expand(each, value) for name, value in zip(names, values, strict=False)}
