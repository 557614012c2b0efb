"""Stands in for pip in the runtime: `python3 -m pip` is the target's own pip, whoever asks."""
