"""The recipes of the article and of its demo project, and the parameters of their three roles."""

from __future__ import annotations

import json


def article(name: str, roles: str) -> str:
    """One of the article's files: all are alike but for the service's name and the roles."""
    return f"""version: "2"
settings:

  conductor_base: ubuntu:16.04

  volumes:
    - temp-space:/tmp   # static content travels between containers

services:

  {name}:
    from: ubuntu:16.04
    container_name: api
    roles:
{roles}
    expose:
      - '8000'
      - '22'
    volumes:
      - temp-space:/tmp
    environment:
      IN_DOCKER: "1"

volumes:
  temp-space:
    docker: {{}}
"""


ARTICLE: dict[str, tuple[str, list[dict[str, str]]]] = {
    "tini-supervisord": (
        """      - {
          role: "softasap.sa-container-bootstrap",
          container_init: "tini-init",
          container_svc: "supervisord"
        }
      - {
          role: "softasap.sa-nginx-container",
          container_init: "tini-init",
          container_svc: "supervisord"
        }
      - {
          role: "../custom-roles/app-nginx-stub-deploy",
          container_init: "tini-init",
          container_svc: "supervisord"
        }
""",
        [{"container_init": "tini-init", "container_svc": "supervisord"}] * 3,
    ),
    "dumb-runit": (
        """      - {
          role: "softasap.sa-container-bootstrap",
          container_init: "dumb-init"
        }
      - {
          role: "softasap.sa-nginx-container",
          container_init: "dumb-init"   # may use runit
        }
      - {
          role: "../custom-roles/app-nginx-stub-deploy",
          container_init: "dumb-init"
        }
""",
        [{"container_init": "dumb-init"}] * 3,
    ),
    "phusion-runit": (
        """      - {
          role: "softasap.sa-container-bootstrap"
        }
      - {
          role: "softasap.sa-nginx-container",
          container_init: "phusion-init"
        }
      - {
          role: "../custom-roles/app-nginx-stub-deploy"
        }
""",
        [{}, {"container_init": "phusion-init"}, {}],
    ),
}


ROLES = ("softasap.sa-container-bootstrap", "softasap.sa-nginx-container", "../custom-roles/app-nginx-stub-deploy")
DEMO: dict[str, dict[str, str]] = {
    "xenial_tini_runit": {"container_init": "tini-init"},
    "xenial_tini_supervisord": {"container_init": "tini-init", "container_svc": "supervisord"},
    "xenial_dumb_runit": {"container_init": "dumb-init"},
    "xenial_phusion_runit": {},
}
"""The demo project has a folder for each cell; every role is told the cell anew."""


def demo(folder: str) -> tuple[str, str]:
    """The service and the recipe in a folder of the demo project."""
    roles = "".join(f"      - {json.dumps({'role': name, **DEMO[folder]})}\n" for name in ROLES)
    service = folder.removeprefix("xenial_").replace("_", "-")
    return service, article(service, roles)
