"""How mmdebstrap is asked for a root; pure."""

from __future__ import annotations

from pipeline.recipe import Bootstrap

SLIM_EXCLUDES = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/groff/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/linda/*",
)
"""dpkg's path rules of the official slim images: documentation, translations and man pages stay out."""
MERGED_USR = "/usr/share/mmdebstrap/hooks/maybe-merged-usr"
"""Installs usr-is-merged before anything can ask for usrmerge, whose dependency is all of perl (49 MB in bookworm)."""

_NOT_THE_HOSTS = 'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"'
_NOT_OF_A_PACKAGE = """
cd "$1"
for name in lib32 lib64 libo32 libx32; do
  [ -L "$name" ] || continue
  cat var/lib/dpkg/info/*.list | grep -qxE "(/usr)?/$name" || { rmdir "usr/$name" && rm "$name"; } 2>/dev/null || true
done
"""
"""For a merged /usr, older versions make empty folders of other architectures, which the suite need not have."""


def arguments(base: Bootstrap) -> tuple[str, ...]:
    """The options for a root; the suite and the archive's path follow them, then `sources`."""
    excludes = (
        SLIM_EXCLUDES if base.path_excludes is None else tuple(f"path-exclude={path}" for path in base.path_excludes)
    )
    options = [f"--variant={base.variant}", f"--components={','.join(base.components)}"]
    # A package with a minus behind it is one that apt must not install.
    packages = (*base.include, *(f"{name}-" for name in base.exclude))
    options += [f"--include={','.join(packages)}"] if packages else []
    options += [f"--architectures={base.architecture}"] if base.architecture else []
    options += [f"--dpkgopt={rule}" for rule in excludes]
    # As in the official images: a layer is synced as a whole, so dpkg need not sync each file.
    options += ["--dpkgopt=force-unsafe-io"]
    options += ['--aptopt=Acquire::Languages "none"', f"--hook-dir={MERGED_USR}", f"--customize-hook={_NOT_THE_HOSTS}"]
    options += [f"--customize-hook={_NOT_OF_A_PACKAGE}"]
    return tuple(options)


def sources(base: Bootstrap) -> tuple[str, ...]:
    """The lines for sources.list; empty leaves the choice to mmdebstrap, which adds updates and security itself."""
    components = " ".join(base.components)
    if not base.mirror:
        return ()
    if base.mirror.startswith("deb "):
        return tuple(base.mirror.splitlines())
    lines = [f"deb {base.mirror} {base.suite} {components}"]
    if base.security:
        lines.append(f"deb {base.mirror} {base.suite}-updates {components}")
        lines.append(f"deb {base.mirror.rstrip('/')}-security {base.suite}-security {components}")
    return tuple(lines)
