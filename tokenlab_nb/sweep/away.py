"""What can be taken away of a grid: an offline page, a contact sheet."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tokenlab_nb.sweep.plan import Plan

__all__ = ["OfflinePage", "TakenAway"]


class OfflinePage(Protocol):
    """A page that is ready to be written. `tokenlab_nb.export.page.Page` is the real one."""

    html: str
    pictures: int

    @property
    def size(self) -> int:
        """Its length in bytes."""

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> Path:
        """Write it to a file, whole or not at all, and return the file's path."""


class TakenAway:
    """A grid that can be written to files. `tokenlab_nb.sweep.run.GridRun` is what users hold."""

    plan: Plan

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        originals: bool = False,
        share: object = None,
        title: str = "Comparison",
        most_bytes: int | None = None,
        overwrite: bool = True,
    ) -> Path:
        """Write the grid as one HTML file that needs no network, no kernel and no other file.

        It is as interactive as the live grid, but for what needs a kernel; without scripts, and on paper, it is a
        plain table with all pictures. In a notebook its size is said before it is written; `page` tells it without
        writing anything.

        Args:
            path: A file ending in .html.
            originals: Whether the pictures go in as they came; else as previews of at most 768 pixels. Where anything
                is left out by ``share``, originals go in without their metadata, their pixels untouched.
            share: A `tokenlab_nb.Share`, what a reader may see; None shows all but secrets.
            title: Stands above it.
            most_bytes: A longer file is refused; by default one of 100 MB.
            overwrite: Whether a file that is there is replaced.

        Returns:
            The file's path.

        Raises:
            LeakError: If a key or a signed address would be in it; nothing was written.
            ValidationError: If it would be too long, or the name does not end in .html.
            FileExistsError: If the file is there and ``overwrite`` is off.
            OSError: If it cannot be written.
        """
        write = import_module("tokenlab_nb.widgets.offline").write_page
        limit = {} if most_bytes is None else {"most_bytes": most_bytes}
        written: Path = write(self, path, originals=originals, share=share, title=title, overwrite=overwrite, **limit)
        return written

    def page(
        self,
        *,
        originals: bool = False,
        share: object = None,
        title: str = "Comparison",
        most_bytes: int | None = None,
    ) -> OfflinePage:
        """Make what `to_html` writes, and write nothing: its repr tells its size, its ``save(path)`` writes it.

        Args:
            originals: As for `to_html`.
            share: As for `to_html`.
            title: As for `to_html`.
            most_bytes: As for `to_html`.
        """
        make = import_module("tokenlab_nb.widgets.offline").page_of
        limit = {} if most_bytes is None else {"most_bytes": most_bytes}
        made: OfflinePage = make(self, originals=originals, share=share, title=title, **limit)
        return made

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
