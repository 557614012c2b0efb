"""`python -m pipeline`, and the console command `baseimage`.

Nothing is imported before Ctrl-C is taken care of: loading all libraries takes a moment too. Modules are for good, so
the garbage collector rests while they are loaded and never looks at them again (a sixth of the time to start).
"""

import gc
import sys


def main() -> None:
    """Run the command line; an interruption while it is loaded ends it without a trace."""
    gc.disable()
    try:
        from pipeline.cli.main import main as run  # noqa: PLC0415 - see above
    except KeyboardInterrupt:
        sys.exit(130)
    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
