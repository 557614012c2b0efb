"""Galaxy's requirements file."""

from __future__ import annotations

import textwrap

import pytest

from pipeline.errors import InputError
from pipeline.modules import Module
from pipeline.requirements import parse_requirements


def parse(text: str) -> tuple[Module, ...]:
    return parse_requirements(textwrap.dedent(text), "requirements.yml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


ROLES = """\
    - src: https://example.org/ansible-role-x.git
      name: x
      version: 1.0
    - src: git+https://example.org/y
    - git@example.org:vendor/z.git
    - src: ../w
      scm: git
    - https://github.com/vendor/role-v
    - geerlingguy.nginx,3.1.0,nginx
    - name: vendor.u
    - src: files/t.tar.gz
    - https://example.org/s-1.0.tgz,,s
"""


def test_every_form_of_a_role_is_read() -> None:
    read = [(module.path, module.url, module.version, module.archive) for module in parse(ROLES)]
    assert read == [
        ("roles/x", "https://example.org/ansible-role-x.git", "1.0", False),
        ("roles/y", "https://example.org/y", "", False),
        ("roles/z", "git@example.org:vendor/z.git", "", False),
        ("roles/w", "../w", "", False),
        ("roles/role-v", "https://github.com/vendor/role-v", "", False),
        ("roles/nginx", "geerlingguy.nginx", "3.1.0", True),
        ("roles/vendor.u", "vendor.u", "", True),
        ("roles/t", "files/t.tar.gz", "", True),
        ("roles/s", "https://example.org/s-1.0.tgz", "", True),
    ]


def test_the_newer_form_says_the_same_and_each_role_knows_its_line() -> None:
    newer = parse("roles:\n" + textwrap.indent(textwrap.dedent(ROLES), "  "))
    assert [module.path for module in newer] == [module.path for module in parse(ROLES)]
    assert [module.line for module in newer[:3]] == [2, 5, 6]


@pytest.mark.parametrize("text", ["", "---\n", "[]\n", "roles: []\ncollections: []\n"])
def test_nothing_is_no_mistake(text: str) -> None:
    assert parse(text) == ()


def test_every_form_of_a_collection_is_read() -> None:
    read = parse("""\
        collections:
          - community.general
          - acme.tools:==1.0.0
          - {name: acme.more, version: ">=1.0,<2.0", source: "https://galaxy.example.org", type: galaxy}
          - {name: acme.any, version: "*"}
          - files/acme-local-1.2.3.tar.gz
    """)
    assert [(each.path, each.url, each.version, each.server) for each in read] == [
        ("collections/ansible_collections/community/general", "community.general", "", ""),
        ("collections/ansible_collections/acme/tools", "acme.tools", "==1.0.0", ""),
        ("collections/ansible_collections/acme/more", "acme.more", ">=1.0,<2.0", "https://galaxy.example.org"),
        ("collections/ansible_collections/acme/any", "acme.any", "", ""),
        ("collections/ansible_collections/acme/local", "files/acme-local-1.2.3.tar.gz", "", ""),
    ]
    assert all(each.archive and each.collection for each in read)
    assert [each.line for each in read] == [2, 3, 4, 5, 6]


def test_every_form_of_a_collection_in_a_repository_is_read() -> None:
    read = parse("""\
        collections:
          - {name: 'https://example.org/acme.git', type: git, version: main}
          - 'git+https://example.org/tools,v1.0'
          - {name: 'git@example.org:vendor/many.git#/collections/one', version: '*'}
          - {name: ../here, type: git}
    """)
    assert [(each.url, each.version, each.path.rpartition("/")[2]) for each in read] == [
        ("https://example.org/acme.git", "main", "acme.git"),
        ("https://example.org/tools", "v1.0", "tools.git"),
        ("git@example.org:vendor/many.git#/collections/one", "", "many.git"),
        ("../here", "", "here.git"),
    ]
    assert all(each.collection and each.git and each.unplaced for each in read)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("5\n", "must be a list of roles, or a map with `roles`"),
        ("rolls: []\n", "rolls: unknown key"),
        ("roles: {a: b}\n", "must be a list, and is a map"),
        ("- [a]\n", "must be a map or a text, and is a list"),
        ("- {src: a.b, verison: 1}\n", "verison: unknown key"),
        ("- {src: a.b, version: []}\n", "must be a text"),
        ("- {version: 1}\n", "has neither src nor name"),
        ("- {src: a.git, scm: hg}\n", "'hg' is not supported"),
        ("- {src: a.git, name: ../x}\n", "'../x' cannot name a role"),
        ("- {src: a.git, name: ..}\n", "'..' cannot name a role"),
        ("- {src: a.git, version: --all}\n", "is no branch, tag or commit"),
        ("- {src: --x.git, name: x}\n", "is neither a git repository"),
        ("- {src: 'https://example.org/x'}\n", "is neither a git repository"),
        ("- {src: nginx}\n", "is neither a git repository"),
        ("collections: {a: b}\n", "collections: must be a list, and is a map"),
        ("collections: [[a]]\n", "must be a map or a text, and is a list"),
        ("collections: [general]\n", "'general' is neither NAMESPACE.NAME nor a file"),
        ("collections: ['../x.y']\n", "'../x.y' is neither NAMESPACE.NAME nor a file"),
        ("collections: ['https://example.org/x.git']\n", "is neither NAMESPACE.NAME nor a file"),
        ("collections: [{name: x, type: subdirs}]\n", "of type 'subdirs' cannot be brought"),
        ("collections: [{name: x.git, type: git, version: 'a..b'}]\n", "'a..b' is no branch, tag or commit"),
        ("collections: [{name: '--x.git', type: git}]\n", "'--x.git' is no address of a repository"),
        ("collections: ['git+https://example.org/x#/../y']\n", "leads out of the repository"),
        ("collections: [{name: a.b, verison: '1'}]\n", "verison: unknown key"),
        ("collections: [{name: a.b, version: []}]\n", "must be a text"),
    ],
)
def test_mistakes_are_told(text: str, mistake: str) -> None:
    assert mistake in mistakes(text)[0]


def test_a_misspelt_key_gets_a_suggestion() -> None:
    with pytest.raises(InputError) as caught:
        parse("- {src: a.b, verison: 1}\n")
    assert caught.value.problems[0].hint == "did you mean version?"
