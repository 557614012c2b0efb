
# The target's own apt is of another release, and each finds the other's files of no use and writes them anew, for a
# second in every role. So this one, which only reads, has files of its own in the same folder.
for _name in ("pkgcache", "srcpkgcache"):
    if apt_pkg.config.find(f"Dir::Cache::{_name}"):  # noqa: F821 - this is the end of apt/__init__.py
        apt_pkg.config.set(f"Dir::Cache::{_name}", f"borrowed-{_name}.bin")  # noqa: F821 - as above
