"""Copy Python, its libraries and a few tools into one relocatable tree.

Arguments: LAUNCHER STANDINS MODULES APT_CACHES ANSIBLE RUNTIME, of which ANSIBLE is a folder of Python packages.

RUNTIME/bin/NAME      the static launcher, once per program
RUNTIME/libexec/NAME  the program
RUNTIME/lib/ld.so     the dynamic loader, RUNTIME/lib/shared/ every library that a program or module needs
RUNTIME/lib/python3*  the standard library and the modules that Ansible's modules ask for
RUNTIME/standins/     commands that a slim root lacks, meant to stand last on PATH, and in first/ those that go before
                      the root's own
"""

import compileall
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig

launcher, standins, modules, apt_caches, ansible, runtime = (pathlib.Path(argument) for argument in sys.argv[1:7])
programs = {
    "python3": pathlib.Path("/usr/bin/python3"),
    "gtar": pathlib.Path("/bin/tar"),
    "ip": pathlib.Path("/sbin/ip"),
    "rsync": pathlib.Path("/usr/bin/rsync"),
}
library = ("ansible/__init__.py", "ansible/release.py", "ansible/_vendor", "ansible/module_utils", "ansible_mitogen")
"""What Ansible's modules import, and Mitogen's part of it."""
unused = {"test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data", "venv", "config-*"}


def needed(binary: pathlib.Path) -> dict[str, pathlib.Path]:
    """The shared libraries of `binary` by name, the loader among them, as the dynamic loader finds them."""
    listing = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^\s*(\S+) => (/\S+)", listing, re.MULTILINE)
    found += [(path.rsplit("/", 1)[-1], path) for path in re.findall(r"^\s*(/\S*ld-\S+)", listing, re.MULTILINE)]
    return {name.rsplit("/", 1)[-1]: pathlib.Path(path) for name, path in found}


for folder in ("bin", "libexec", "lib/shared", "lib/python3", "etc"):
    (runtime / folder).mkdir(parents=True)
stdlib = pathlib.Path(sysconfig.get_path("stdlib"))
ignore = shutil.ignore_patterns(*unused)
shutil.copytree(stdlib, runtime / "lib" / stdlib.name, ignore=ignore)
shutil.copytree(
    "/usr/lib/python3/dist-packages",
    runtime / "lib/python3/dist-packages",
    ignore=shutil.ignore_patterns("pip", "setuptools"),
)
packages = runtime / "lib/python3/dist-packages"
shutil.copytree(modules, packages, dirs_exist_ok=True)
for name in library:
    (packages / name).parent.mkdir(exist_ok=True)
    if (ansible / name).is_dir():
        shutil.copytree(ansible / name, packages / name, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(ansible / name, packages / name)
# Not where it would be found by that name: only the strategy baseimage_linear makes use of it.
shutil.copytree(ansible / "mitogen", runtime / "lib/mitogen", ignore=shutil.ignore_patterns("__pycache__"))
for folder in (packages / "ansible", packages / "ansible_mitogen", runtime / "lib/mitogen"):
    compileall.compile_dir(folder, quiet=1)
with open(packages / "apt/__init__.py", "a", encoding="utf-8") as module:
    module.write(apt_caches.read_text(encoding="utf-8"))
shutil.copytree(standins, runtime / "standins")
shutil.copy("/etc/ssl/certs/ca-certificates.crt", runtime / "etc/ca-certificates.crt")
shutil.copytree("/usr/share/python-apt", runtime / "share/python-apt")

binaries = [path.resolve() for path in programs.values()] + list(runtime.rglob("*.so"))
libraries: dict[str, pathlib.Path] = {}
for binary in binaries:
    libraries.update(needed(binary))
for name, path in libraries.items():
    shutil.copy(path.resolve(), runtime / "lib/shared" / name)
(loader,) = (name for name in libraries if name.startswith("ld-"))
shutil.copy(libraries[loader].resolve(), runtime / "lib/ld.so")
for name, path in programs.items():
    shutil.copy(path.resolve(), runtime / "libexec" / name)
    shutil.copy(launcher, runtime / "bin" / name)
for name in programs.keys() - {"python3"}:
    (runtime / "standins" / name).symlink_to(f"../bin/{name}")
subprocess.run(
    [runtime / "bin/python3", "-c", "import apt_pkg, debian, json, passlib, psycopg2, pymysql, ssl, yaml"], check=True
)
