"""What a role finds in its target, and what it cannot leave there for the next one."""

from __future__ import annotations

import docker

from tests.project.engine_view import read
from tests.project.harness import Project

WHERE = """
    import os, pwd, sys
    from ansible.module_utils.basic import AnsibleModule
    from ansible.module_utils.shop import ANSWER

    module = AnsibleModule({})
    names = ("ansible.module_utils.basic", "ansible_mitogen.target", "mitogen.parent", "ansible.module_utils.shop")
    files = [f"{name} {sys.modules[name].__file__}" for name in names]
    module.exit_json(said="\\n".join([*files, ANSWER, pwd.getpwuid(os.geteuid()).pw_name]))
"""


def test_modules_run_with_the_borrowed_library_and_with_files_of_the_role(
    project: Project, engine: docker.DockerClient
) -> None:
    role = project.role(
        "where",
        """
        - where:
          register: root
        - where:
          become: true
          become_user: nobody
          register: nobody
        - ansible.builtin.copy: {dest: /srv/root, content: "{{ root.said }}", mode: '0644'}
        - ansible.builtin.copy: {dest: /srv/nobody, content: "{{ nobody.said }}", mode: '0644'}
        """,
    )
    project.write(f"roles/{role.name}/library/where.py", WHERE)
    project.write(f"roles/{role.name}/module_utils/shop.py", 'ANSWER = "of the role"\n')
    project.recipe(base={"bootstrap": "bookworm"}, roles=["where"], verify={"run": False})
    image = project.build().well().image
    *library, own, answer, user = read(engine, image, "/srv/root").splitlines()
    assert [line.split()[1].rpartition("/lib/")[0] for line in library] == ["/dev/baseimage"] * 3
    assert not own.split()[1].startswith("/dev/baseimage/lib/")
    assert (answer, user) == ("of the role", "root")
    assert read(engine, image, "/srv/nobody").splitlines()[-2:] == ["of the role", "nobody"]


def test_what_a_role_writes_into_files_that_the_engine_mounts_is_gone_for_the_next(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    look = "cat /etc/hosts /etc/resolv.conf"
    first = [
        {"name": "Look", "ansible.builtin.shell": f"{look} >/srv/before"},
        {"name": "Write", "ansible.builtin.shell": "for f in hosts resolv.conf; do echo '# ours' >>/etc/$f; done"},
        {"name": "Look again", "ansible.builtin.shell": f"{look} >/srv/between"},
    ]
    second = [{"name": "Look", "ansible.builtin.shell": f"{look} >/srv/after"}]
    made = {"name": "Make room", "ansible.builtin.file": {"path": "/srv", "state": "directory", "mode": "0755"}}
    project.recipe(base=busybox, roles=[{"tasks": [made, *first]}, {"tasks": second}], verify={"run": False})
    image = project.build().well().image
    before, between, after = (read(engine, image, f"/srv/{name}") for name in ("before", "between", "after"))
    assert "localhost" in before
    assert between.count("# ours") == before.count("# ours") + 2
    assert after == before


def test_a_role_has_the_network_of_all_roles_of_its_job(
    project: Project, busybox: dict[str, str], engine: docker.DockerClient
) -> None:
    def look(name: str) -> dict[str, object]:
        line = f"mkdir -p /srv; readlink /proc/self/ns/net >/srv/{name}; cat /proc/self/mountinfo >/srv/mounts"
        return {"tasks": [{"name": "Look", "ansible.builtin.shell": line}]}

    project.recipe(base=busybox, roles=[look("one"), look("two")], verify={"run": False})
    image = project.build().well().image
    assert read(engine, image, "/srv/one") == read(engine, image, "/srv/two")
    assert "/etc/hosts" in read(engine, image, "/srv/mounts")


def test_apt_and_the_borrowed_one_leave_each_other_their_caches(project: Project, engine: docker.DockerClient) -> None:
    """The borrowed apt is of another release: each would throw away what the other has written."""
    stat = "stat -c '%n %i' /var/cache/apt/*pkgcache.bin"
    project.role(
        "cached",
        f"""
        - ansible.builtin.shell: apt-get -s install -y dash && {stat} >/srv/first
        - ansible.builtin.apt: {{name: dash, state: present}}
        - ansible.builtin.shell: apt-get -s install -y dash && {stat} >/srv/second
        - ansible.builtin.apt: {{name: dash, state: present}}
        - ansible.builtin.shell: {stat} >/srv/third
        """,
    )
    project.recipe(base={"bootstrap": "bookworm"}, roles=["cached"], verify={"run": False})
    image = project.build().well().image
    first, second, third = (dict(_pairs(read(engine, image, f"/srv/{name}"))) for name in ("first", "second", "third"))
    assert {"/var/cache/apt/pkgcache.bin", "/var/cache/apt/borrowed-pkgcache.bin"} <= second.keys()
    assert first["/var/cache/apt/pkgcache.bin"] == second["/var/cache/apt/pkgcache.bin"]
    assert second == third


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(name, inode) for name, inode in (line.split() for line in text.splitlines())]
