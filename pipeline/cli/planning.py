"""The command that says what a build would do: plan."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from itertools import chain
from typing import Any

import click

from pipeline import assembly, errors, loading
from pipeline.cli.options import EPILOG, cache_from, no_cache, options_of, project_options, refresh, secret, squash
from pipeline.events import Event, Warned
from pipeline.plan_secrets import lines, planned_secrets
from pipeline.plan_view import as_json, as_text, planned
from pipeline.role_sources import unpinned_in


@click.command(epilog=EPILOG)
@project_options
@no_cache
@refresh
@cache_from
@squash
@secret
@click.option("--json", "as_data", is_flag=True, help="One JSON object, for programs (docs/cache.md).")
def plan(*, as_data: bool, **given: Any) -> None:
    """Show what a build would do and why; runs no role. Exit code 3: there is something to build.

    Figures in brackets are seconds and size of the step's last run.
    """
    options = options_of(given)
    known_secrets = assembly.build_secrets(options, os.environ).ids
    loaded = loading.load(options, os.environ)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    engine = None
    try:
        engine = assembly.open_engine(os.environ)
    except errors.EngineUnreachableError as error:
        click.echo(f"no engine answers, so it is not known what is there already: {error.message}", err=True)
    tools = assembly.tools(loaded, options, engine, _warnings, os.environ) if engine else None
    services = planned(assembly.builds(loaded), tools, assembly.without_engine(loaded, os.environ))
    known = {service.name: unpinned_in(service, loaded.finder) for service in loaded.services}
    services = tuple(replace(service, unpinned=known[service.name]) for service in services)
    pairs = zip(loaded.services, services, strict=True)
    secrets = {plan.name: planned_secrets(service, plan, known_secrets) for service, plan in pairs}
    if as_data:
        data = as_json(services)
        for each in data["services"]:
            each["secrets"] = [secret.to_json() for secret in secrets[each["service"]]]
        click.echo(json.dumps(data, indent=1))
    else:
        click.echo("\n".join((as_text(services), *lines(chain.from_iterable(secrets.values())))))
    if any(service.pending for service in services):
        raise click.exceptions.Exit(errors.EXIT_SOMETHING_TO_BUILD)


def _warnings(event: Event) -> None:
    """Nothing shows progress here."""
    if isinstance(event, Warned):
        click.echo(f"warning: {event.message}", err=True)
