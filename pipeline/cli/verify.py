"""The command verify: whether what is built is what it should be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pipeline import assembly, errors, runner
from pipeline.archive_difference import compared
from pipeline.cli.attesting import trust_config
from pipeline.cli.build import cores, run_shown
from pipeline.cli.options import EPILOG, build_options, gitflow, log_format, project_options, squash
from pipeline.cli.verify_image import Wanted, verify_image
from pipeline.engine import Engine
from pipeline.plan import Step
from pipeline.stage import Build, Tools
from stages import CATALOGUE

REPOSITORY = "baseimage/twice"
"""What the images of both builds are called until they are compared."""


@click.command(epilog=EPILOG)
@project_options
@log_format
@gitflow
@squash
@build_options
@click.option("--twice", is_flag=True, help="Build twice, the second time without the cache, and compare the images.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key, a PEM file, of whom the IMAGE should be by.",
)
@click.option(
    "--identity",
    "--certificate-identity",
    "identities",
    multiple=True,
    metavar="NAME",
    help="Who should have signed the IMAGE without a key; may be repeated, one of them is enough.",
)
@click.option(
    "--issuer",
    "--certificate-oidc-issuer",
    "issuer",
    default="",
    metavar="URL",
    help="Who vouches for the --identity.",
)
@trust_config
@click.option("--json", "as_json", is_flag=True, help="The checks of an IMAGE as JSON, on stdout.")
def verify(
    *,
    twice: bool,
    key: Path | None,
    identities: tuple[str, ...],
    issuer: str,
    trust_config: str,
    as_json: bool,
    **given: Any,
) -> None:
    """See whether an image is what it should be: IMAGE in its registry, or what RECIPE makes.

    IMAGE --key FILE, or IMAGE --identity NAME --issuer URL, looks at signature, bills of materials, provenance and
    labels in the registry (docs/attestations.md); no engine is needed.

    [RECIPE] --twice builds twice and compares (docs/reproducible.md); nothing is tagged or pushed.

    Exit code 1: something is not as it should be; what, is told.
    """
    if [twice, bool(key), bool(identities)].count(True) != 1:
        raise click.UsageError("say what to verify: IMAGE --key FILE, IMAGE --identity NAME --issuer URL, or --twice")
    if bool(identities) != bool(issuer):
        raise click.UsageError("an --identity is one at its --issuer: say both")
    if not twice:
        if not given["recipe"]:
            raise click.UsageError("say which image: verify IMAGE --key FILE")
        verify_image(given["recipe"], Wanted(key, identities, issuer, trust_config), as_json=as_json)
    elif not same_twice(given | {"reproducible": True, "metadata_file": None}):
        raise click.exceptions.Exit(errors.EXIT_BUILD_FAILED)


def same_twice(given: dict[str, Any]) -> bool:
    """Whether two builds give the same images; says which are, and what differs in the others."""
    engine = assembly.open_engine(os.environ)
    with _names(engine) as prefix:
        _build(given, f"{prefix}-first")
        done = _build(given | {"no_cache": True}, f"{prefix}-second")
        outcomes = [_told(engine, build.service.name, prefix) for build in done]
    return all(outcomes)


def _build(given: dict[str, Any], prefix: str) -> tuple[Build, ...]:
    stages = tuple(entry for entry in CATALOGUE if entry.name not in ("tag", "share", "push"))
    return run_shown(given, push=False, fetch=True, jobs=cores(), stages=(*stages, _naming(prefix)))


def _naming(prefix: str) -> runner.Entry:
    """A stage in the place of `tag`: the images of both builds have to be there until they are compared."""

    def name(build: Build, step: Step, tools: Tools) -> Build:
        if build.result:
            tools.engine.tag(build.result, f"{REPOSITORY}:{prefix}-{step.service}")
        return replace(build, note="kept for the comparison")

    return runner.Entry("tag", name)


@contextmanager
def _names(engine: Engine) -> Iterator[str]:
    """What the tags of this comparison begin with; they are taken away afterwards."""
    prefix = f"{os.getpid()}"
    try:
        yield prefix
    finally:
        for _, name in engine.named("image", f"{REPOSITORY}:{prefix}-"):
            with suppress(errors.EngineError):
                engine.remove_image(name)


def _told(engine: Engine, service: str, prefix: str) -> bool:
    names = [f"{REPOSITORY}:{prefix}-{which}-{service}" for which in ("first", "second")]
    first, second = (engine.find_image(name) for name in names)
    if first and second and first.id == second.id:
        click.echo(f"{service}: the same twice, {first.id}")
        return True
    click.echo(f"{service}: differs")
    for line in compared(engine, *names):
        click.echo(f"  {line}")
    return False
