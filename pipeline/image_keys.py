"""The values of a recipe's image keys: from the forms that people write to the one that the engine takes.

Every function takes a value as the YAML gave it (scalars as written) and raises UsageError for one it cannot read.
"""

from __future__ import annotations

import re
import shlex

from pipeline.errors import UsageError
from pipeline.image_config import seconds
from pipeline.yaml_source import kind_of

_RANGE = r"[0-9]+(?:-[0-9]+)?"
_ADDRESS = r"[0-9]+(?:\.[0-9]+){3}|\[[0-9A-Fa-f:.]+\]"
_CONTAINER_SIDE = r"(?P<first>[0-9]+)(?:-(?P<last>[0-9]+))?(?:/(?P<protocol>tcp|udp|sctp))?"
_PUBLISHED = re.compile(rf"(?:(?:(?:{_ADDRESS}):(?:{_RANGE})?|{_RANGE}):)?{_CONTAINER_SIDE}")
_EXPOSED = re.compile(_CONTAINER_SIDE)
_LAST_PORT = 65535
_VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SIGNAL_NAMES = """
    ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP
    TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX
"""
_SIGNALS = frozenset(_SIGNAL_NAMES.split())
_REALTIME = re.compile(r"RTMIN\+([1-9]|1[0-5])|RTMAX-([1-9]|1[0-4])")
_LAST_SIGNAL = 64
_TEST_KINDS = ("NONE", "CMD", "CMD-SHELL")

_LONG_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def words(value: object) -> tuple[str, ...]:
    """A command: a list is taken as it is (exec form), a text is split as a shell would split it."""
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise UsageError(f"this command cannot be split into words: {error}", hint="close the quotes") from None
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise UsageError(f"must be a text or a list of texts, is {_found(value)}")


def published_ports(value: object) -> tuple[str, ...]:
    """The container's side of a `ports` entry: "8080:80" is ("80/tcp",), "1-2:8000-8001/udp" has two."""
    return _ports(value, _PUBLISHED, "8000, 8080:80, 127.0.0.1:8080:80/udp or 8000-8002")


def exposed_ports(value: object) -> tuple[str, ...]:
    """An `expose` entry: "8000" is ("8000/tcp",); ranges and /udp are understood."""
    return _ports(value, _EXPOSED, "8000, 8000/udp or 8000-8002")


def volume_path(value: object) -> str:
    """The path that a `volumes` entry makes a VOLUME: of "/data" and "name:/data"; "" for a path of the host."""
    if not isinstance(value, str):
        raise UsageError(f"must be a text such as data:/var/lib/data, is {kind_of(value)}")
    source, colon, rest = value.partition(":")
    target = rest.partition(":")[0] if colon else source
    if not target.startswith("/"):
        hint = f"write /{target}" if re.fullmatch(r"[\w-]+(/[\w-]+)*", target) else ""
        raise UsageError(f"{target!r} is not an absolute path in the container", hint=hint)
    return target if not colon or _VOLUME_NAME.fullmatch(source) else ""


def host_side(value: str, *, home: str, folder: str) -> str:
    """A `volumes` entry with ~, $HOME and $PWD (also ${…}) of its host's side filled in, for a container that is run.

    `folder` is what $PWD stands for. An entry without a host's side stays as it is.
    """
    source, colon, rest = value.partition(":")
    if not colon:
        return value
    known = {"HOME": home, "PWD": folder}
    source = re.sub(r"^~(?=/|$)", lambda _: home, source)
    source = re.sub(r"\$(?:\{(HOME|PWD)\}|(HOME|PWD)(?!\w))", lambda found: known[found[1] or found[2]], source)
    return f"{source}:{rest}"


def duration(value: object) -> float:
    """A time such as "10s", "1m30s" or "500ms", or a plain number of seconds, in seconds."""
    try:
        return seconds(value if isinstance(value, str) else "")
    except ValueError:
        raise UsageError(f"must be a time such as 10s or 1m30s, is {_found(value)}") from None


def freshness(value: object) -> str | float:
    """How long a role's layer is used again: "auto", "never", or a time such as "12h" or "1d12h", in seconds."""
    text = value if isinstance(value, str) else ""
    if text in ("auto", "never"):
        return text
    if not re.fullmatch(r"([1-9]\d*[mhdw])+", text, re.ASCII):
        raise UsageError(f"must be auto, never or a time such as 12h or 7d, is {_found(value)}")
    return sum(float(number) * _LONG_UNITS[unit] for number, unit in re.findall(r"(\d+)([mhdw])", text))


def health_test(value: object) -> tuple[str, ...]:
    """A health check's test as the engine takes it: a text for a shell, or a list after CMD, CMD-SHELL or NONE."""
    if isinstance(value, str) and value.strip():
        return ("NONE",) if value == "NONE" else ("CMD-SHELL", value)
    test = words(value) if isinstance(value, list) else ()
    if not test or test[0] not in _TEST_KINDS:
        raise UsageError(f"must be a text, or a list that begins with one of {', '.join(_TEST_KINDS)}")
    if (len(test) == 1) != (test[0] == "NONE"):
        raise UsageError(f"{test[0]} must " + ("stand alone" if test[0] == "NONE" else "be followed by a command"))
    return test


def stop_signal(value: object) -> str:
    """A signal's full name ("SIGTERM", also written TERM) or number ("15")."""
    text = value if isinstance(value, str) else ""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _LAST_SIGNAL:
        return str(int(text))
    name = text.upper().removeprefix("SIG")
    if name in _SIGNALS or _REALTIME.fullmatch(name):
        return f"SIG{name}"
    raise UsageError(f"must be a signal such as SIGTERM, or its number, is {_found(value)}")


def environment_pair(value: object) -> tuple[str, str]:
    """An `environment` entry NAME=value."""
    name, equals, text = _text(value, "NAME=value").partition("=")
    if not equals:
        raise UsageError(f"{name!r} has no value", hint=f"write {name}= for an empty text")
    return environment_name(name), text


def environment_name(value: object) -> str:
    """The name of an environment variable: any text without spaces and =."""
    name = _text(value, "NAME")
    if not re.fullmatch(r"[^\s=\0]+", name):
        raise UsageError(f"{name!r} cannot be the name of an environment variable")
    return name


def label_pair(value: object) -> tuple[str, str]:
    """A `labels` entry name=value; without = the value is empty."""
    name, _, text = _text(value, "name=value").partition("=")
    if not name.strip():
        raise UsageError("a label needs a name")
    return name, text


def _ports(value: object, form: re.Pattern[str], examples: str) -> tuple[str, ...]:
    match = form.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise UsageError(f"must be a port such as {examples}, is {_found(value)}")
    first, last = int(match["first"]), int(match["last"] or match["first"])
    if not 1 <= first <= last <= _LAST_PORT:
        raise UsageError(f"ports go from 1 to {_LAST_PORT}, and a range from the lower to the higher: {_found(value)}")
    return tuple(f"{port}/{match['protocol'] or 'tcp'}" for port in range(first, last + 1))


def _text(value: object, example: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"must be a text such as {example}, is {kind_of(value)}")
    return value


def _found(value: object) -> str:
    return repr(value) if isinstance(value, str) else kind_of(value)
