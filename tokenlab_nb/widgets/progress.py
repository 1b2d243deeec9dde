"""The progress line of a blocking wait, in a notebook: one display that is replaced in place and empty at the end."""

from __future__ import annotations

import io

from IPython.display import DisplayHandle

__all__ = ["ProgressLine"]


class ProgressLine(io.TextIOBase):
    """A text file for tqdm whose last line is shown. A stream would keep every line of it in the saved notebook."""

    def __init__(self) -> None:
        self._handle = DisplayHandle()
        self._shown = False

    def write(self, text: str) -> int:
        """Show the last line of ``text``; blanks, by which tqdm wipes a line, show nothing."""
        line = text.rsplit("\r", 1)[-1].strip() or text.strip("\r \n")
        bundle = {"text/plain": line}
        if self._shown:
            self._handle.update(bundle, raw=True)
        elif line:
            self._shown = True
            self._handle.display(bundle, raw=True)
        return len(text)
