"""The command line: the only place that exits. Its commands live in the modules beside it."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

import click

from pipeline import errors
from pipeline.cli import (
    build,
    compose,
    difference,
    importing,
    modules,
    new,
    past,
    planning,
    release,
    running,
    sbom,
    schema,
    upkeep,
    verify,
)
from pipeline.cli.options import EPILOG
from pipeline.failures import failures


def main() -> NoReturn:
    """Run the command line and exit with one of the documented codes."""
    debug = "--debug" in sys.argv
    try:
        # Without its standalone mode click returns the code of an Exit, and None after a plain return.
        code = cli.main(standalone_mode=False) or errors.EXIT_OK
    except click.ClickException as error:
        error.show()
        code = errors.EXIT_BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        code = errors.EXIT_INTERRUPTED
    except errors.StopRequested as stop:
        code = stop.exit_code
    except errors.PipelineError as error:
        _say(error, debug=debug)
        code = error.exit_code
    except BrokenPipeError:
        code = errors.EXIT_BUILD_FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: a defect, said in one line
        _unexpected(error, debug=debug)
        code = errors.EXIT_UNEXPECTED
    sys.stdout.flush()
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(package_name="baseimage-pipeline", prog_name="baseimage")
def cli() -> None:
    """Turn a recipe into application base images.

    A root is pulled or made from a distribution's packages; a conductor container plays Ansible roles on a
    target container; each role becomes a layer; the image is verified, tagged from version.txt and image.txt,
    and pushed on request.
    """


for command in (
    build.build,
    release.bump,
    modules.clean,
    compose.compose,
    difference.diff,
    upkeep.doctor,
    upkeep.gc,
    release.hotfix,
    importing.import_,
    modules.initialize,
    past.inspect,
    sbom.keys,
    past.list_,
    past.logs,
    new.new,
    planning.plan,
    build.push,
    release.release,
    running.run,
    sbom.sbom,
    schema.schema,
    running.shell,
    running.stop,
    build.tag,
    verify.verify,
    release.version,
):
    cli.add_command(command)


def _say(error: errors.PipelineError, *, debug: bool) -> None:
    for failed in failures(error, keep=False):
        click.echo("error: " + ": ".join(part for part in (failed.place, failed.message) if part), err=True)
        if failed.hint:
            click.echo(f"hint: {failed.hint}", err=True)
    if debug:
        traceback.print_exception(error)


def _unexpected(error: Exception, *, debug: bool) -> None:
    click.echo(f"error: this is a defect of baseimage: {type(error).__name__}: {error}", err=True)
    if debug:
        traceback.print_exception(error)
    else:
        click.echo("hint: run it again with --debug for the trace, and report it", err=True)


if __name__ == "__main__":
    main()
