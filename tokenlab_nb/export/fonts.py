"""Which fonts are on this machine, and which characters each of them has. Read late, and no further than needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from io import BytesIO
from pathlib import Path

from PIL import ImageFont

from tokenlab_nb.errors import TokenLabError

__all__ = ["Face", "Fonts", "installed"]

_FOLDERS = (
    "~/.local/share/fonts",
    "~/.fonts",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/Library/Fonts",
    "/Library/Fonts",
    "/System/Library/Fonts",
    "~/AppData/Local/Microsoft/Windows/Fonts",
    "C:/Windows/Fonts",
)
_SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})

# By what a file is called, without case and signs: plain faces of good report, then such as have many scripts.
_TEXT = (
    *("inter", "interregular", "notosansregular", "segoeui", "helveticaneue", "helvetica", "arial"),
    *("liberationsansregular", "robotoregular", "dejavusans"),
    *("notosanscjkregular", "notosanscjkscregular", "sourcehansansregular", "pingfang", "hiraginosansgb", "msyh"),
    *("yugothm", "msgothic", "malgun", "wqymicrohei", "wqyzenhei", "droidsansfallback", "arialunicode"),
)
_STRONG = (
    *("interbold", "notosansbold", "segoeuib", "arialbd", "arialbold", "liberationsansbold", "robotobold"),
    "dejavusansbold",
)
_EMOJI = ("notocoloremoji", "applecoloremoji", "seguiemj", "twemoji", "twittercoloremoji")
_UNLIKELY = re.compile("bold|italic|oblique|light|thin|black|condensed|narrow|mono|serif|math|lastresort|blank")

_STRIKES = (109, 136, 128, 160, 96, 64, 48, 40, 32, 20)
"""Sizes in which emoji of pixels exist, by the fonts that are about; Pillow takes no other."""


@dataclass(frozen=True)
class Face:
    """One font file, or the letters that Pillow brings along.

    Attributes:
        path: The file; None for Pillow's own.
        is_emoji: Whether it holds coloured pictures.
    """

    path: Path | None
    is_emoji: bool = False
    _sizes: dict[int, ImageFont.FreeTypeFont] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def letters(self) -> frozenset[int]:
        """The code points that it has; none where the file cannot be read."""
        library = import_module("fontTools.ttLib")  # late: few need it
        try:
            own = self.sized(16).path if self.path is None else self.path
            source = BytesIO(own.getvalue()) if isinstance(own, BytesIO) else own
            with library.TTFont(source, fontNumber=0, lazy=True) as opened:
                return frozenset(opened.getBestCmap() or ())
        # Fonts of users are of every kind and age; one that cannot be read is one that has nothing.
        except Exception:  # noqa: BLE001
            return frozenset()

    def sized(self, size: int) -> ImageFont.FreeTypeFont:
        """The face in so many pixels; emoji of pixels come in a size of their own."""
        if size not in self._sizes:
            self._sizes[size] = self._opened(size)
        return self._sizes[size]

    def _opened(self, size: int) -> ImageFont.FreeTypeFont:
        if self.path is None:
            return _own(size)
        for attempt in (size, *(_STRIKES if self.is_emoji else ())):
            try:
                return ImageFont.truetype(str(self.path), attempt)
            except OSError:
                continue
        raise TokenLabError(f"The font {self.path.name} cannot be used.", hint="Hand in a TrueType or OpenType file.")


class Fonts:
    """Faces in the order in which they are asked for a character.

    Args:
        files: Font files of the user's own, which come first.
    """

    def __init__(self, files: Sequence[Path] = ()) -> None:
        for file in files:
            Face(file).sized(16)
        self._first = tuple(Face(file) for file in files)

    def text(self, *, strong: bool = False) -> Iterator[Face]:
        """Faces with letters, the best first."""
        yield from self._first
        if strong:
            yield from _faces(_STRONG)
        yield from _faces(_TEXT)
        yield _PILLOWS
        yield from _others()

    def emoji(self) -> Iterator[Face]:
        """Faces with coloured pictures."""
        yield from _faces(_EMOJI)


@cache
def installed() -> dict[str, Path]:
    """Return the font files of this machine by their plain names, sorted."""
    found: dict[str, Path] = {}
    for folder in _FOLDERS:
        for path in sorted(_files(Path(folder).expanduser())):
            found.setdefault(_plain(path.stem), path)
    return dict(sorted(found.items()))


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES]
    except OSError:  # a folder that is closed to us
        return []


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


@cache
def _face(path: Path, *, is_emoji: bool) -> Face | None:
    face = Face(path, is_emoji)
    try:
        face.sized(16)
    except TokenLabError:
        return None
    return face


def _faces(names: Sequence[str]) -> Iterator[Face]:
    there = installed()
    for name in names:
        if name in there and (face := _face(there[name], is_emoji=name in _EMOJI)):
            yield face


def _others() -> Iterator[Face]:
    """All that no list names: a script may have no other font. Plain faces come first."""
    rest = {name: path for name, path in installed().items() if name not in (*_TEXT, *_STRONG, *_EMOJI)}
    for name in sorted(rest, key=lambda each: (bool(_UNLIKELY.search(each)), each)):
        if face := _face(rest[name], is_emoji=False):
            yield face


@cache
def _own(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101  Pillow is built with FreeType where it is a wheel
    return font


_PILLOWS = Face(None)
