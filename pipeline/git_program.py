"""git of this machine, as every use of it has it: it asks nothing, and obeys no repository but the one it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.errors import UsageError
from pipeline.processes import Workers

_SETTINGS = {"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never", "LC_ALL": "C"}
_OF_ANOTHER_REPOSITORY = (
    "GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_COMMON_DIR GIT_NAMESPACE GIT_PREFIX GIT_CONFIG"
).split()


class GitProgram:
    """git, run by any number of threads at once; `settings` win over the environment, `defaults` do not."""

    def __init__(
        self, environ: Mapping[str, str], workers: Workers, settings: Mapping[str, str], defaults: Mapping[str, str]
    ) -> None:
        kept = {key: value for key, value in environ.items() if key not in _OF_ANOTHER_REPOSITORY}
        self._environ = {**defaults, **kept, **_SETTINGS, **settings}
        self._workers = workers

    def run(self, *words: str, printed: Callable[[str], None] | None = None) -> tuple[int, str]:
        """The exit code and what went to stdout; stderr is handed over by lines. Raises UsageError without git."""
        try:
            return self._workers.run(("git", *words), self._environ, printed=printed)
        except FileNotFoundError:
            raise UsageError("git is not installed", hint="install git, for example: apt-get install git") from None
