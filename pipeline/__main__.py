"""`python -m pipeline`, and the console command `baseimage`.

Nothing is imported before Ctrl-C is taken care of: loading all libraries takes a moment too.
"""

import sys


def main() -> None:
    """Run the command line; an interruption while it is loaded ends it without a trace."""
    try:
        from pipeline.cli.main import main as run  # noqa: PLC0415 - see above
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
