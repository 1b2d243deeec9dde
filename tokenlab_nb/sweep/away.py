"""What can be taken away of a grid: an offline page, a contact sheet."""

from __future__ import annotations

import os
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
        self, path: str | os.PathLike[str], *, share: object = None, overwrite: bool = True
    ) -> list[Path]:
        """Write all pictures with their labels as one picture, or several where the format ends.

        Args:
            path: A file ending in .png, .jpg, .jpeg or .webp.
            share: A `tokenlab_nb.Share`, what a reader may see; None shows all but secrets.
            overwrite: Whether files that are there are replaced.

        Returns:
            The paths of the files.
        """
        write = import_module("tokenlab_nb.export.sheet").write_sheet
        written: list[Path] = write(self, path, share=share, overwrite=overwrite)
        return written
