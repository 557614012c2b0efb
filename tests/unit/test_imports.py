"""Importing a module does nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

IMPORT_ALL = """
import importlib, os, pkgutil, socket, subprocess, sys, threading
import docker, ansible_runner, requests, rich.console  # their own imports may do what they like

def shut(what):
    def raiser(*_, **__):
        raise AssertionError(f"importing {name} used {what}")
    return raiser

socket.socket.__init__ = shut("socket.socket")
docker.from_env = docker.DockerClient.__init__ = docker.APIClient.__init__ = shut("docker")
rich.console.Console.__init__ = shut("rich.console.Console")
subprocess.Popen.__init__ = shut("subprocess.Popen")
threading.Thread.start = shut("threading.Thread")

def names(package):
    yield package.__name__
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            yield module.name

environment = dict(os.environ)
count = 0
for package in ("pipeline", "stages"):
    name = package
    for name in names(importlib.import_module(package)):
        importlib.import_module(name)
        count += 1
assert dict(os.environ) == environment, "an import changed the environment"
print(count, "modules")
"""


@pytest.mark.allow("process")
def test_importing_every_module_opens_nothing_and_starts_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > len(list((ROOT / "stages").glob("*.py")))
    assert done.stderr == ""
