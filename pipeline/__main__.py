"""`python -m pipeline` is `baseimage`."""

from pipeline.cli import main

main()
