"""The commands that look after a machine: gc and doctor."""

from __future__ import annotations

import os
from typing import Any

import click

from pipeline import assembly, errors
from pipeline.cleaning import Cleaner
from pipeline.cli.options import EPILOG


@click.command(epilog=EPILOG)
@click.option(
    "--all", "everything", is_flag=True, help="Also cached layers, bases, conductor images and package caches."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def gc(*, everything: bool, dry_run: bool, **_: Any) -> None:
    """Remove what killed runs left behind; with --all, everything that was kept for later builds.

    Only what this program made is touched. Tagged images stay.
    """
    engine = assembly.open_engine(os.environ)
    cleaner = Cleaner(engine, assembly.OWNED, assembly.CONTAINER_PREFIX, assembly.KEPT_PREFIX)
    removed = cleaner.clean(everything=everything, dry_run=dry_run)
    for each in removed:
        click.echo(f"{'would remove' if dry_run else 'removed'} {each.kind} {each.name}")
    click.echo(f"{len(removed)} things {'to remove' if dry_run else 'removed'}")


@click.command(epilog=EPILOG)
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def doctor(**_: Any) -> None:
    """Check this machine: the engine, mmdebstrap, disk space, the package index configuration."""
    from pipeline.doctor import examine  # noqa: PLC0415 - not needed by any other command

    checks = examine(os.environ)
    for check in checks:
        click.echo(f"{'ok  ' if check.good else 'FAIL'}  {check.name}: {check.found}")
        if check.hint and not check.good:
            click.echo(f"      hint: {check.hint}")
    if not all(check.good for check in checks):
        unreachable = any(check.name == "engine" and not check.good for check in checks)
        raise click.exceptions.Exit(errors.EXIT_NO_ENGINE if unreachable else errors.EXIT_BUILD_FAILED)
