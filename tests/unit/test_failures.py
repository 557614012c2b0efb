"""Errors as events."""

from __future__ import annotations

from pipeline.errors import InputError, PlayFailedError, Problem, PushFailedError, SeveralServicesError
from pipeline.events import BuildFailed
from pipeline.failures import failures


def test_every_failure_of_several_services_is_told_with_its_step() -> None:
    played, pushed = PlayFailedError("no", place="a.yml:1", detail="stderr"), PushFailedError("refused", hint="log in")
    played.step = "web/nginx/provision"
    mistake = InputError([Problem("recipe.yml", 3, 1, "roles", "there is no role")])
    several = SeveralServicesError([pushed, played, mistake])
    assert several.exit_code == PushFailedError.exit_code
    look = "run again with --keep to look inside the target"
    assert failures(several, keep=False) == (
        BuildFailed("refused", "log in"),
        BuildFailed("no", look, "a.yml:1", "stderr", "web/nginx/provision"),
        BuildFailed("roles: there is no role", place="recipe.yml:3:1"),
    )
