"""Says where it runs."""

import sys


def main() -> None:
    """Say the interpreter's prefix."""
    sys.stdout.write(f"hello from {sys.prefix}\n")
