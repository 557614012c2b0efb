"""Appended to python-apt's apt/__init__.py: the borrowed one keeps its caches in files of its own.

The target's apt is of another release. Each finds the other's files of no use and writes them anew: a second in every
role.
"""

for _name in ("pkgcache", "srcpkgcache"):
    if apt_pkg.config.find(f"Dir::Cache::{_name}"):  # noqa: F821 - this is the end of apt/__init__.py
        apt_pkg.config.set(f"Dir::Cache::{_name}", f"borrowed-{_name}.bin")  # noqa: F821 - as above
