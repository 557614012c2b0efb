"""Which services may begin."""

from __future__ import annotations

from dataclasses import replace

from pipeline.recipe import BuiltService, Service
from pipeline.schedule import below, hopeless, startable
from tests.unit.fakes import a_service


def on(other: str, name: str) -> Service:
    return replace(a_service(name=name), base=BuiltService(other))


WEB, SHOP, BLOG, MAIL = a_service(name="web"), on("web", "shop"), on("shop", "blog"), a_service(name="mail")


def names(services: tuple[Service, ...]) -> list[str]:
    return [service.name for service in services]


def test_services_with_a_base_of_their_own_may_begin_in_their_order() -> None:
    assert names(startable((WEB, SHOP, BLOG, MAIL), ())) == ["web", "mail"]


def test_a_service_waits_for_the_one_below_while_that_is_built() -> None:
    assert names(startable((SHOP, BLOG), ("web",))) == []
    assert names(startable((SHOP, BLOG), ("mail",))) == ["shop"]


def test_a_service_on_one_that_is_not_in_the_run_waits_for_nobody() -> None:
    assert names(startable((SHOP,), ())) == ["shop"]


def test_a_failure_takes_all_that_stand_on_it() -> None:
    assert names(hopeless((SHOP, BLOG, MAIL), ("web",))) == ["shop", "blog"]
    assert names(hopeless((SHOP, BLOG), ("mail",))) == []


def test_only_another_service_is_below_one() -> None:
    assert (below(SHOP), below(WEB)) == ("web", "")
