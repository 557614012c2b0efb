"""Every task of this project is a session: `nox -l` lists them, `nox -s NAME` runs one, `-- ARGS` hands it arguments.

Sessions share two environments under .nox: `build` holds what a user of the pipeline has, `dev` also the tests' and
linters' packages. Both are filled again only when what they are made from changes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["lint", "types", "unit"]
nox.options.error_on_external_run = True

HERE = Path(__file__).parent
CONSTRAINTS = Path(".ci/constraints.txt")
CONDUCTOR = Path("pipeline/conductor_image")
CONTRACT = "tests/contract"
CONTRACT_IMAGES = "BASEIMAGE_CONTRACT_IMAGES"
CELLS = Path("tests/recipes/cells.yml")
TEMPLATE = Path("pipeline/project_template")
WORKFLOWS = {"github-workflows": "dot-github/workflows/images.yml", "gitlab-ci": "dot-gitlab-ci.yml"}
"""What `baseimage new` writes for CI services, by the schema that it has to keep."""
APPS = "tests/apps"
TEST_RUNS = (("tests/unit", "tests/engine"), (CONTRACT, "-n3"), (APPS, "tests/project"))
"""In this order; tests of the contract mostly wait for containers, so several of them run side by side."""

TRIED_ELSEWHERE = {"web", "from-image"}  # one waits for its database, one starts from an image of another recipe
OLDEST_PYTHON = (3, 11)


@nox.session(python=False)
def build(session: nox.Session) -> None:
    """Build images; without arguments, the default recipe (`-- recipes/NAME.yml`, `-- --help`)."""
    if not {"-h", "--help"} & set(session.posargs):
        need_engine(session)
    bin_folder = environment(session, "build")
    command = [str(bin_folder / "baseimage"), "build", *session.posargs]
    session.log(" ".join(["baseimage", *command[1:]]))
    if code := run_to_its_end(command, bin_folder):
        sys.exit(code)  # the pipeline has said what failed; its exit code says which kind of failure it was


@nox.session(python=False)
def tests(session: nox.Session) -> None:
    """Everything: lint, types and all tests; with arguments, only what they tell pytest (`-- tests/unit -k plan`)."""
    need_engine(session, tests=True)
    if not session.posargs:
        check_style(session)
        tool(session, "mypy")
    paths = [argument for argument in session.posargs if (HERE / argument.split("::")[0]).exists()]
    if not paths or any(CONTRACT.startswith(path.rstrip("/")) or path.startswith(CONTRACT) for path in paths):
        build_tested(session, *shipped())
    for arguments in [session.posargs] if session.posargs else TEST_RUNS:
        pytest(session, *arguments)


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """Style and walls: ruff, import-linter, yamllint, ansible-lint, shellcheck (`-- --fix` lets ruff mend)."""
    if "--fix" in session.posargs:
        tool(session, "ruff", "check", "--fix", "--quiet", ".")
        tool(session, "ruff", "format", "--quiet", ".")
    check_style(session)


@nox.session(python=False)
def types(session: nox.Session) -> None:
    """mypy, strict, over the pipeline, the stages, the tests and this file."""
    tool(session, "mypy")


@nox.session(python=False)
def unit(session: nox.Session) -> None:
    """Tests of the logic: no engine, no network, seconds."""
    pytest(session, "tests/unit", *session.posargs)


@nox.session(python=False)
def engine(session: nox.Session) -> None:
    """Tests of the adapter: one body against the fake engine and a real one."""
    need_engine(session, tests=True)
    pytest(session, "tests/engine", *session.posargs)


@nox.session(python=False)
def contract(session: nox.Session) -> None:
    """Tests of images from outside: how they start, supervise, stop (`-- IMAGE…`: of these, whoever built them)."""
    need_engine(session, tests=True)
    images = list(itertools.takewhile(names_image, session.posargs))
    if images:
        session.env[CONTRACT_IMAGES] = ",".join(images)
    else:
        build_tested(session, *shipped())
    pytest(session, CONTRACT, *session.posargs[len(images) :])


@nox.session(python=False, name="contract-table")
def contract_table(session: nox.Session) -> None:
    """Run the tests of built images over every cell, and write what came out to docs/contract.md."""
    need_engine(session, tests=True)
    build_tested(session, *([CELLS] if (HERE / CELLS).exists() else shipped()))
    results = HERE / ".nox/contract.xml"
    results.unlink(missing_ok=True)
    tool(session, "pytest", CONTRACT, f"--junitxml={results}", *session.posargs, success_codes=[0, 1])
    tool(session, "python", ".ci/contract_table.py", str(results), "docs/contract.md")


@nox.session(python=False)
def apps(session: nox.Session) -> None:
    """Tests of the application roles: nginx, a Python application behind it, a page."""
    need_engine(session, tests=True)
    pytest(session, APPS, *session.posargs)


@nox.session(python=False)
def project(session: nox.Session) -> None:
    """Tests of whole runs: `nox -s build` and its kin, with a registry."""
    need_engine(session, tests=True)
    pytest(session, "tests/project", *session.posargs)


@nox.session(python=False)
def bench(session: nox.Session) -> None:
    """Measure the pipeline against other builders over the same work (`-- --quick`, `-- --help`; docs/bench.md)."""
    if not {"-h", "--help"} & set(session.posargs):
        need_engine(session)
    tool(session, "python", "-m", "tests.bench", *session.posargs)


@nox.session(python=False)
def lock(session: nox.Session) -> None:
    """Make the lock files again: the conductor's packages and .ci/constraints.txt (`-- --upgrade` for newer ones)."""
    uv = environment(session, "lock", packages=("uv",)) / "uv"
    # What was published in the last days is not on every mirror yet.
    plain = ("--quiet", "--no-annotate", "--no-header", "--no-emit-index-url", "--exclude-newer=3 days")
    options = (*plain, *session.posargs)
    for name, more in (("requirements", ()), ("collections", ("--no-deps",))):
        source, target = CONDUCTOR / f"{name}.in", CONDUCTOR / f"{name}.txt"
        how = ("--python-version", "3.11", "--generate-hashes", *more, *options)
        session.run(str(uv), "pip", "compile", str(source), "-o", str(target), *how, external=True, silent=True)
    how = ("--python-version", "3.11", "--universal", "--all-extras", "--strip-extras", *options)
    session.run(str(uv), "pip", "compile", "pyproject.toml", "-o", str(CONSTRAINTS), *how, external=True, silent=True)


def check_style(session: nox.Session) -> None:
    """All linters."""
    tool(session, "ruff", "check", "--quiet", ".")
    tool(session, "ruff", "format", "--check", "--quiet", ".")
    tool(session, "lint-imports")
    tool(session, "yamllint", "--strict", ".")
    for schema, file in WORKFLOWS.items():
        tool(session, "check-jsonschema", "--builtin-schema", f"vendor.{schema}", str(TEMPLATE / file))
    tool(session, "ansible-lint", "--offline", "-q", *(() if sys.stdout.isatty() else ("--nocolor",)))
    if shutil.which("shellcheck"):
        # Parts of one program that source each other inside the image: a part alone lacks the others' names.
        parts = "--exclude=SC1090,SC1091,SC2034,SC2154"
        session.run("shellcheck", "--severity=warning", parts, *shell_scripts(), external=True)
    else:
        session.warn("shellcheck is not on this machine: shell scripts were not checked")


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest."""
    tool(session, "pytest", *arguments)


def names_image(argument: str) -> bool:
    """Whether an argument of the session is an image: no option, and no file of the tests."""
    return not argument.startswith("-") and not (HERE / argument.partition("::")[0]).exists()


def shipped() -> list[Path]:
    """The recipes of the project whose images stand for themselves; tests/project tries the others."""
    found = sorted(
        path for path in (HERE / "recipes").glob("*.yml") if not path.is_symlink() and path.stem not in TRIED_ELSEWHERE
    )
    return [path.relative_to(HERE) for path in found]


def build_tested(session: nox.Session, *recipes: Path) -> None:
    """Build the recipes and name the images to the contract tests, unless the environment names others."""
    if os.environ.get(CONTRACT_IMAGES):
        return
    images = []
    for recipe in recipes:
        command = ("build", str(recipe))
        tool(session, "baseimage", *command)
        told = tool(session, "baseimage", *command, "--log-format", "json", silent=True).splitlines()
        events = [json.loads(line) for line in told]
        built = [event for event in events if event["event"] == "image_built"]
        images += [f"{each['service']}={each['tags'][0]}" for each in built]
    session.env[CONTRACT_IMAGES] = ",".join(images)


def tool(
    session: nox.Session, name: str, *arguments: str, silent: bool = False, success_codes: Sequence[int] = (0,)
) -> str:
    """Run a command of the developers' environment; on Ctrl-C it has the time to take down what it has up."""
    bin_folder = environment(session, "dev", extras=("test", "lint"))
    session.env["PATH"] = os.pathsep.join((str(bin_folder), os.environ.get("PATH", os.defpath)))
    command = (str(bin_folder / name), *arguments)
    how: dict[str, Any] = {"silent": silent, "success_codes": success_codes}
    return str(session.run(*command, external=True, interrupt_timeout=None, terminate_timeout=None, **how))


def shell_scripts() -> list[str]:
    """Files that a shell runs, by their first line; templates are not shell until they are filled in."""
    files = [HERE / ".ci/run"]
    for folder in ("pipeline", "roles", "tests"):
        files += [file for file in sorted((HERE / folder).rglob("*")) if file.is_file() and file.suffix != ".j2"]
    return [str(file.relative_to(HERE)) for file in files if is_shell(file)]


def is_shell(file: Path) -> bool:
    """Whether the first line names sh, bash or dash."""
    with file.open("rb") as stream:
        words = stream.readline(80).decode(errors="replace").replace("/", " ").split()
    return bool(words) and words[0].startswith("#!") and bool({"sh", "bash", "dash"} & set(words))


def environment(
    session: nox.Session, name: str, *, extras: tuple[str, ...] = (), packages: tuple[str, ...] = ()
) -> Path:
    """The bin folder of an environment with the project (or the packages) in it, made where it is not there."""
    if sys.version_info < OLDEST_PYTHON:
        session.error(f"Python 3.11 or newer is needed, nox runs on {sys.version.split()[0]}.")
    folder = HERE / ".nox" / name
    python = folder / "bin/python"
    stamp = folder / "made-from.txt"
    wanted = packages or ("-c", str(CONSTRAINTS), "-e", f".[{','.join(extras)}]" if extras else ".")
    made_from = fingerprint(*wanted, *(() if packages else ("pyproject.toml", "version.txt", str(CONSTRAINTS))))
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == made_from:
        return python.parent
    session.log(f"making the environment .nox/{name}")
    make = (sys.executable, "-m", "virtualenv", "--quiet", "--clear", "--python", sys.executable, str(folder))
    session.run(*make, external=True, log=False)
    session.run(str(python), "-m", "pip", "install", "--quiet", *wanted, external=True, log=False)
    stamp.write_text(made_from, encoding="utf-8")
    return python.parent


def fingerprint(*parts: str) -> str:
    """What an environment is made from: this Python, words, and the contents of those that are files."""
    digest = hashlib.sha256(f"{sys.base_prefix} {sys.version}".encode())
    for part in parts:
        digest.update(f"\n{part}\n".encode())
        if (HERE / part).is_file():
            digest.update((HERE / part).read_bytes())
    return digest.hexdigest()


def run_to_its_end(command: list[str], bin_folder: Path) -> int:
    """Run a command that cleans up after itself when it is stopped: hand it TERM, and wait however long it takes."""
    path = os.pathsep.join((str(bin_folder), os.environ.get("PATH", os.defpath)))
    process = subprocess.Popen(command, env={**os.environ, "PATH": path})
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:  # the terminal sent it to the command as well
                continue
            return code if code >= 0 else 128 - code
    finally:
        signal.signal(signal.SIGTERM, before)


def need_engine(session: nox.Session, *, tests: bool = False) -> None:
    """See that a container engine answers and the tools are there; .ci/engine.py has the how."""
    setup = load(HERE / ".ci/engine.py")
    try:
        setup.ensure(setup.Machine(os.environ, root=os.geteuid() == 0), tests=tests)
    except setup.SetupError as error:
        session.error(str(error))


def load(file: Path) -> ModuleType:
    """Import a module by its path."""
    spec = importlib.util.spec_from_file_location("engine_setup", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
