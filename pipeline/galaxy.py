"""ansible-galaxy of this machine, for roles that are no git repositories: Galaxy's names and tar files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import GalaxyError
from pipeline.modules import Module, masked
from pipeline.processes import Workers

PROGRAM = "ansible-galaxy"


class Galaxy:
    """Installs one role at a time, without the roles that it depends on."""

    def __init__(self, environ: Mapping[str, str], workers: Workers) -> None:
        self._environ, self._workers = {**environ, "ANSIBLE_NOCOLOR": "1"}, workers

    def install(self, module: Module, folder: Path) -> str:
        """Bring a role into a folder that does not exist yet; returns its version. Raises GalaxyError."""
        program = shutil.which(PROGRAM, path=self._environ.get("PATH"))
        if program is None:
            hint = "install ansible-core, or give the role's git repository as src"
            raise GalaxyError(f"{PROGRAM} is not installed here, and only git repositories do without it", hint=hint)
        scratch = folder.absolute().with_name(f"{folder.name}-galaxy")
        try:
            self._install(program, module, scratch)
            (scratch / "role").rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return module.version

    def _install(self, program: str, module: Module, scratch: Path) -> None:
        scratch.mkdir()
        wanted = {"src": module.url, "name": "role"} | ({"version": module.version} if module.version else {})
        (scratch / "requirements.yml").write_text(json.dumps([wanted]), encoding="utf-8")
        words = ("role", "install", "--no-deps", "--roles-path", str(scratch), "--role-file")
        said: list[str] = []
        command = (program, *words, str(scratch / "requirements.yml"))
        code, output = self._workers.run(command, self._environ, printed=said.append)
        if code or not (scratch / "role").is_dir():
            worth = [line.strip() for line in (*said, *output.splitlines()) if line.strip()]
            raise GalaxyError(masked("; ".join(worth[:4])) or f"{PROGRAM} ended with {code}")
