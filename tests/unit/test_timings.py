"""How long a layer has taken, seen from events."""

from __future__ import annotations

from pipeline.events import Event, StepStarted, Warned
from pipeline.timings import Timings


def test_a_role_is_timed_from_its_first_step_and_an_image_from_its_commit() -> None:
    now, seen = 0.0, list[Event]()
    timings = Timings(seen.append, lambda: now)
    events: list[Event] = [
        StepStarted("web/base", "web", "base", "", ""),
        StepStarted("web/nginx/target", "web", "target", "nginx", ""),
        Warned("x"),
        StepStarted("web/nginx/commit", "web", "commit", "nginx", ""),
        StepStarted("web/commit", "web", "commit", "", ""),
        StepStarted("web/verify", "web", "verify", "", ""),
    ]
    for event in events:
        now += 1
        timings(event)
    assert seen == events
    now = 10.0
    assert timings.seconds("web", "nginx") == 8
    assert timings.seconds("web", "") == 5
    assert timings.seconds("web", "other") == 0
