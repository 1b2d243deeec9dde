"""What can be taken away of a grid: an offline page, a contact sheet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenlab_nb.sweep.plan import Plan

__all__ = ["TakenAway"]


class TakenAway:
    """A grid that can be written to files. `tokenlab_nb.sweep.run.GridRun` is what users hold."""

    plan: Plan

    def to_html(
        self, path: str | os.PathLike[str], *, originals: bool = False, share: object = None, overwrite: bool = True
    ) -> Path:
        """Write the grid as one HTML file that needs no network, no kernel and no other file.

        Args:
            path: The file.
            originals: Whether the pictures go in as they came; else as previews.
            share: A `tokenlab_nb.Share`, what a reader may see; None shows all but secrets.
            overwrite: Whether a file that is there is replaced.

        Returns:
            The file's path.
        """
        write = import_module("tokenlab_nb.widgets.offline").write_page
        written: Path = write(self, path, originals=originals, share=share, overwrite=overwrite)
        return written

    def contact_sheet(
        self,
        path: str | os.PathLike[str],
        *,
        title: str = "Comparison",
        edge: int = 320,
        dark: bool = False,
        share: object = None,
        fonts: Sequence[str | os.PathLike[str]] = (),
        overwrite: bool = True,
    ) -> list[Path]:
        """Write all pictures with their labels as one picture; as several (name-1.png, ...) where the format ends.

        Rows and columns are those of the grid at first sight; further axes follow one another. Under each cell stand
        its model, its settings, and in words what was adjusted, failed or impossible. No picture is enlarged; no text
        is cut: what is very long stands in full at the end.

        Args:
            path: A file ending in .png, .jpg, .jpeg or .webp.
            title: Stands above.
            edge: Most pixels a side of a picture.
            dark: Whether the ground is dark.
            share: A `tokenlab_nb.Share`, what a reader may see; None shows all but secrets.
            fonts: Font files that are asked first for a character. What no font has is told in words.
            overwrite: Whether files that are there are replaced.

        Returns:
            The paths of the files.

        Raises:
            LeakError: If a key or a signed address would stand on it; nothing was written.
            ImageError: If the suffix is another one.
            ValueError: If the edge cannot be used.
        """
        write = import_module("tokenlab_nb.widgets.contact").contact_sheet
        options = {"title": title, "edge": edge, "dark": dark, "share": share, "fonts": fonts, "overwrite": overwrite}
        written: list[Path] = write(self, path, **options)
        return written
