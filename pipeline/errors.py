"""Every failure that a user can meet: what went wrong, what to do next, and the exit code it ends with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EXIT_OK = 0
EXIT_BUILD_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_SOMETHING_TO_BUILD = 3
EXIT_NO_ENGINE = 4
EXIT_PUSH_FAILED = 5
EXIT_UNEXPECTED = 70
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class PipelineError(Exception):
    """A failure with a message for the user, an optional hint (a next action) and an exit code."""

    exit_code = EXIT_BUILD_FAILED

    def __init__(self, message: str, *, hint: str = "", place: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place
        """Where in the user's files, as "file:line"."""
        self.detail = detail
        """More lines, such as a module's stderr."""
        self.step = ""
        """The id of the step that failed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in an input file; `line` and `column` count from 1, 0 where they are not known."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    @property
    def place(self) -> str:
        """FILE, or FILE:LINE:COLUMN where the line is known."""
        return self.file + (f":{self.line}:{self.column}" if self.line else "")

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.path, self.message) if part)


class InputError(PipelineError):
    """One or more mistakes in what the user wrote; all of them are reported together."""

    exit_code = EXIT_BAD_INPUT

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SourcesError(InputError):
    """Folders that come from elsewhere could not be brought, or were refused; all the others were."""

    exit_code = EXIT_BUILD_FAILED


class GitError(PipelineError):
    """git could not do what it was asked; the message is its own, with credentials masked."""


class GalaxyError(PipelineError):
    """ansible-galaxy is not there, or could not do what it was asked."""


class UsageError(PipelineError):
    """The command line, the project folder or the machine's set-up does not allow what was asked."""

    exit_code = EXIT_BAD_INPUT


class EngineError(PipelineError):
    """The engine refused or failed a request."""


class EngineUnreachableError(EngineError):
    """No engine answers, or one that is too old."""

    exit_code = EXIT_NO_ENGINE


class NotFoundError(EngineError):
    """The engine or registry does not have what was named."""


class TransientError(EngineError):
    """A failure that may pass when the same request is made again (network, 408, 429, 5xx)."""


class PushFailedError(EngineError):
    """The registry refused an image, or does not confirm the digest that was pushed."""

    exit_code = EXIT_PUSH_FAILED


class RegistryError(EngineError):
    """A registry that is talked to without the engine: it refused, or gave no answer that can be used."""

    exit_code = EXIT_PUSH_FAILED


class AlteredError(RegistryError):
    """What a registry has under a digest does not have that digest."""


class PlayFailedError(PipelineError):
    """A task of a role failed on the target; `look_inside` is a command that opens a shell there, if it is kept."""

    look_inside = ""
    kind = ""
    """What kind of failure it is; see `play_failures.Kind`."""


class VerificationError(PipelineError):
    """The built image does not keep its contract, or something undeclared got into it."""


class SeveralServicesError(PipelineError):
    """Several services, or registries, failed, each for a reason of its own; the first one's exit code counts."""

    def __init__(self, errors: Iterable[PipelineError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(error.message for error in self.errors))
        self.exit_code = self.errors[0].exit_code


class StopRequested(BaseException):
    """INT or TERM asked for an orderly end; carries the exit code (130 or 143).

    Derives from BaseException so that no `except Exception` on the way swallows it.
    """

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"stopped by a signal (exit code {exit_code})")
        self.exit_code = exit_code
