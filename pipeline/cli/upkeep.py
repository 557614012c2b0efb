"""The commands that look after a machine: gc and doctor."""

from __future__ import annotations

import os
from typing import Any

import click

from pipeline import assembly, errors, state
from pipeline.cache_budget import Budget
from pipeline.cache_cleaning import CacheCleaner
from pipeline.cleaning import Cleaner
from pipeline.cli.options import EPILOG
from pipeline.sizes import size_in_bytes


class Bytes(click.ParamType[int]):
    """A size: a number with B, kB, MB, GB or TB, or KiB, MiB, GiB or TiB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes. Fails for anything else."""
        try:
            return size_in_bytes(value)
        except errors.UsageError as error:
            self.fail(error.message, param, ctx)


@click.command(epilog=EPILOG)
@click.option(
    "--all", "everything", is_flag=True, help="Also cached layers, bases, conductor images and package caches."
)
@click.option(
    "--keep-storage",
    type=Bytes(),
    help="Remove cached layers, the least recently used first, until this is left: 10GB.",
)
@click.option("--keep-days", type=click.FloatRange(min=0), help="Remove cached layers that no build used for so long.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--debug", is_flag=True, help="Show a trace with an error.")
def gc(*, everything: bool, keep_storage: int | None, keep_days: float | None, dry_run: bool, **_: Any) -> None:
    """Remove what killed runs left behind; with --all, everything that was kept for later builds.

    Only what this program made is touched. Tagged images stay, and with --keep-storage and --keep-days also the
    layers that they and the last builds of your recipes stand on.
    """
    bounded = keep_storage is not None or keep_days is not None
    if everything and bounded:
        raise click.UsageError("--all removes the whole cache: leave out --keep-storage and --keep-days")
    engine = assembly.open_engine(os.environ)
    cleaner = Cleaner(engine, assembly.OWNED, assembly.CONTAINER_PREFIX, assembly.KEPT_PREFIX)
    removed = cleaner.clean(everything=everything, dry_run=dry_run)
    if bounded:
        cache = CacheCleaner(engine, state.layer_records(os.environ))
        removed += cache.clean(Budget(keep_storage, keep_days), dry_run=dry_run)
    for each in removed:
        size = f", {each.size / 1e6:.1f} MB" if each.size else ""
        click.echo(f"{'would remove' if dry_run else 'removed'} {each.kind} {each.name}{size}")
    total = f", {sum(each.size for each in removed) / 1e6:.1f} MB" if bounded else ""
    click.echo(f"{len(removed)} things {'to remove' if dry_run else 'removed'}{total}")


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
