"""What a command is told on its stdin, for a test to look at afterwards."""

from __future__ import annotations

import io


class Kept(io.BytesIO):
    """Keeps what was written after it was closed."""

    written = b""

    def close(self) -> None:
        if not self.closed:
            self.written = self.getvalue()
        super().close()
