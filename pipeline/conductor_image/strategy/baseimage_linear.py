"""Mitogen's linear strategy, for targets that borrow a Python with Mitogen and Ansible's library in it.

Mitogen looks through both for what belongs together, sends that to every target, and the target compiles it: a third of
a second before the first task of every role. It would do so even where the target has them, since they might be of
another version. Here they are of the same image, compiled. Whatever else a module needs is sent as ever.

Before the first task of each module Mitogen also finds out which other files it needs: it compiles the module and all
that it imports, and that takes as long as a task. What the image's own files import is known when it is made.
"""

import builtins
import functools
import hashlib
import json
import zlib
from typing import Any

import ansible_mitogen.module_finder
import mitogen.master
import mitogen.parent
from ansible_mitogen.plugins.strategy.mitogen_linear import StrategyModule  # noqa: F401 - what Ansible looks for

RUNTIME = "/dev/baseimage"
IMPORTS = "/opt/conductor/imports.json"
"""See list_imports.py: names below ansible.module_utils, by the SHA-256 of a file."""
LIBRARY = {"ansible", "ansible_mitogen", "mitogen"}
"""What `assemble_runtime.py` puts into the runtime."""
PREAMBLE = f"""
import importlib.machinery as machinery, sys
folder = "{RUNTIME}/lib/mitogen"
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return machinery.PathFinder.find_spec(name, [folder]) if name.startswith("mitogen.") else None
sys.meta_path.append(Finder)
exec(machinery.SourceFileLoader("mitogen.core", folder + "/core.py").get_code("mitogen.core"), globals())
"""
"""What the target runs in the place of the source of mitogen.core, and sends on to what it starts itself (sudo)."""


def _is_borrowed(connection: Any) -> bool:
    return str(connection.get_python_argv()[0]).startswith(f"{RUNTIME}/")


def get_econtext_config(self: Any) -> dict[str, Any]:
    """What a target is told of itself."""
    config: dict[str, Any] = _econtext_config(self)
    if _is_borrowed(self):
        overrides = [each for each in config["import_overrides"] if each not in LIBRARY]
        config["import_overrides"] = overrides
    return config


def get_preamble(self: Any) -> bytes:
    """What a target runs first."""
    if not _is_borrowed(self):
        return bytes(_preamble(self))
    return zlib.compress(f"{PREAMBLE}ExternalContext({self.get_econtext_config()!r}).main()\n".encode(), 9)


def forward_modules(self: Any, context: Any, names: Any) -> None:
    """Send a target modules that it is about to ask for."""
    stream = self._router.stream_by_id(context.context_id)
    if stream is None or not _is_borrowed(stream.conn):
        _forward_modules(self, context, names)


class _Known(list[str]):
    """The names that a file imports, in the place of its compiled content."""


@functools.lru_cache(maxsize=1)
def _imports() -> dict[str, list[str]]:
    with open(IMPORTS, encoding="utf-8") as listing:
        found: dict[str, list[str]] = json.load(listing)
    return found


def compile_unless_known(source: bytes, name: str, mode: str) -> Any:
    """What a file is looked through for: its code, or what was found in it before."""
    known = _imports().get(hashlib.sha256(source).hexdigest())
    return builtins.compile(source, name, mode) if known is None else _Known(known)


def walk_imports(code: Any, prefix: str | None = None) -> Any:
    """The names of modules below `prefix` that a file imports."""
    return code if isinstance(code, _Known) else _walk_imports(code, prefix)


if not hasattr(mitogen.parent, "baseimage"):  # Ansible may load a plugin twice
    mitogen.parent.baseimage = True
    _econtext_config = mitogen.parent.Connection.get_econtext_config
    _preamble = mitogen.parent.Connection.get_preamble
    _forward_modules = mitogen.master.ModuleResponder.forward_modules
    mitogen.parent.Connection.get_econtext_config = get_econtext_config
    mitogen.parent.Connection.get_preamble = get_preamble
    mitogen.master.ModuleResponder.forward_modules = forward_modules
    _walk_imports = ansible_mitogen.module_finder.walk_imports
    ansible_mitogen.module_finder.compile = compile_unless_known
    ansible_mitogen.module_finder.walk_imports = walk_imports
