"""Other builders' programs: found on this machine, or brought here from the package registries."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


class MissingError(Exception):
    """A builder cannot be had on this machine; the message is the reason."""


class Tools:
    """What builders need. `install`: missing Debian packages are installed where that can be done."""

    def __init__(self, folder: Path, *, install: bool) -> None:
        self.folder = folder
        self._install = install

    def environment(self, name: str, *packages: str) -> Path:
        """The bin folder of a Python environment with these packages, made where it is not there."""
        bin_folder = self.folder / name / "bin"
        stamp = self.folder / name / "made-from.txt"
        wanted = f"{sys.version} {' '.join(packages)}"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return bin_folder
        print(f"making an environment with {' '.join(packages)}", flush=True)
        _succeed(sys.executable, "-m", "virtualenv", "--quiet", "--clear", str(bin_folder.parent))
        _succeed(str(bin_folder / "python"), "-m", "pip", "install", "--quiet", *packages)
        stamp.write_text(wanted, encoding="utf-8")
        return bin_folder

    def program(self, name: str, package: str) -> str:
        """The path of a program, whose Debian package is installed where it is missing."""
        if found := shutil.which(name):
            return found
        setup = _engine_setup()
        machine = setup.Machine(os.environ, root=os.geteuid() == 0)
        if not (self._install and machine.root and machine.debian()):
            raise MissingError(f"there is no {name} on this machine (package {package})")
        try:
            setup.install(machine, (package,))
        except setup.SetupError as error:
            raise MissingError(f"{name}: {str(error).splitlines()[-1]}") from error
        if found := shutil.which(name):
            return found
        raise MissingError(f"the package {package} brings no {name}")


def first_line(*command: str) -> str:
    """What a program says of itself on its first line."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return next(iter((done.stdout or done.stderr).splitlines()), "").strip()


def _succeed(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingError(f"`{' '.join(command)}` failed: {''.join(done.stderr.splitlines()[-1:])}")


def _engine_setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("engine_setup", ROOT / ".ci/engine.py")
    if spec is None or spec.loader is None:
        raise ImportError("cannot load .ci/engine.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
