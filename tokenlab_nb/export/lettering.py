"""Text as pixels: wrapped by Unicode's own rules, each character in a font that has it, and never as an empty box.

Pillow draws a text in one font and looks for no other. So a text is cut into runs here: the whole of it in the first
font that has all its letters, else piece by piece. Within a run Pillow joins letters and orders what is read from right
to left (through Raqm; where it lacks that, such scripts are told in words); runs follow one another by the direction of
the line's first letter. What no font has is told in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from itertools import groupby, islice
from pathlib import Path
from unicodedata import bidirectional, category, name

from PIL import Image, ImageDraw, ImageFont, features

from tokenlab_nb.export.fonts import Face, Fonts
from tokenlab_nb.export.text import printable

__all__ = ["Letters", "Line"]

_EMOJI_FROM = 0x1F000
_EMOJI_STYLE, _TEXT_STYLE, _JOINER = 0xFE0F, 0xFE0E, 0x200D
_TO_LEFT = frozenset({"R", "AL"})
_SHAPED = range(0x0590, 0x1100)  # Hebrew to Georgian: Pillow alone neither joins nor turns nor stacks these
_LEADING = 1.3
_USUAL = 24  # faces that are looked through for one that has a whole text


@dataclass(frozen=True, slots=True)
class Line:
    """One line that fits.

    Attributes:
        runs: Faces, and what each of them draws, in reading order.
        width: Pixels.
        to_left: Whether it is read from right to left.
    """

    runs: tuple[tuple[Face, str], ...]
    width: float
    to_left: bool


class Letters:
    """Letters of one size.

    Args:
        size: Pixels.
        strong: Whether they are bold, where a font is.
        files: Font files of the user's own.

    Attributes:
        missing: The characters that were asked for and cannot be drawn here.
    """

    def __init__(self, size: int, *, strong: bool = False, files: Sequence[Path] = ()) -> None:
        self.size = size
        self.height = round(size * _LEADING)
        self.missing: set[str] = set()
        fonts = Fonts(files)
        self._text, self._emoji = _Row(fonts.text(strong=strong)), _Row(fonts.emoji())
        self._faces: dict[str, Face | None] = {}
        self._widths: dict[tuple[str, Face | None], float] = {}

    def wrap(self, text: str, width: int) -> list[Line]:
        """The text in lines of at most so many pixels; its own line ends stay. No character is left out."""
        rows = [self._legible(printable(row)) for row in text.splitlines()]
        return [line for row in rows for line in self._wrapped(row, width)]

    def draw(self, image: Image.Image, at: tuple[int, int], line: Line, fill: str, *, width: int = 0) -> None:
        """Draw a line.

        Args:
            image: An RGB picture.
            at: The upper left corner.
            line: From `wrap`.
            fill: The colour.
            width: The space it has: a line that is read from right to left ends there.
        """
        x, baseline = float(at[0]), at[1] + round(self.size * 1.02)
        if line.to_left and width:
            x += width - line.width
        for face, text in reversed(line.runs) if line.to_left else line.runs:
            if face.is_emoji:
                self._paste(image, (round(x), baseline), face, text)
            else:
                font = face.sized(self.size)
                way = _way(font, to_left=line.to_left)
                ImageDraw.Draw(image).text((x, baseline), text, fill, font, "ls", direction=way)
            x += self._run_width(face, text, to_left=line.to_left)

    # Wrapping.

    def _wrapped(self, text: str, width: int) -> Iterator[Line]:
        held, used, whole, to_left = "", 0.0, self._whole(text), _runs_to_left(text)
        for unit in self._units(text, width, whole):
            needs = self._width(unit.rstrip(), whole)
            if held and used + needs > width:
                yield self._line(held.rstrip(), whole, to_left=to_left)
                held, used = "", 0.0
            held += unit
            used += self._width(unit, whole)
        yield self._line(held.rstrip(), whole, to_left=to_left)

    def _units(self, text: str, width: int, whole: Face | None) -> Iterator[str]:
        """What stays together: words, or syllables of scripts without spaces; of what is too wide, as much as fits."""
        for unit in _breakable(text):
            if self._width(unit.rstrip(), whole) <= width:
                yield unit
                continue
            piece = ""
            for cluster in _clusters(unit):
                if piece and self._width((piece + cluster).rstrip(), whole) > width:
                    yield piece
                    piece = ""
                piece += cluster
            yield piece

    def _line(self, text: str, whole: Face | None, *, to_left: bool) -> Line:
        runs = tuple(self._runs(text, whole))
        return Line(runs, sum(self._run_width(face, part, to_left=to_left) for face, part in runs), to_left)

    def _width(self, text: str, whole: Face | None) -> float:
        if (text, whole) not in self._widths:
            runs = self._runs(text, whole)
            self._widths[text, whole] = sum(self._run_width(face, part, to_left=False) for face, part in runs)
        return self._widths[text, whole]

    def _run_width(self, face: Face, text: str, *, to_left: bool) -> float:
        font = face.sized(self.size)
        return font.getlength(text, direction=_way(font, to_left=to_left)) * self._scale(face)

    def _scale(self, face: Face) -> float:
        return self.size * 1.1 / face.sized(self.size).size if face.is_emoji else 1.0

    # Which font.

    def _whole(self, text: str) -> Face | None:
        """The face that has all letters of a text, so that they join; None where no usual one has."""
        letters = "".join(cluster for cluster in _clusters(text) if not _is_emoji(cluster))
        return self._text.first_with(letters, _USUAL)

    def _runs(self, text: str, whole: Face | None) -> Iterator[tuple[Face, str]]:
        clusters = _clusters(text)
        chosen = ((self._face(each) if whole is None or _is_emoji(each) else whole, each) for each in clusters)
        for face, group in groupby(chosen, key=lambda pair: pair[0]):
            if face is not None:
                yield face, "".join(each for _, each in group)

    def _face(self, cluster: str) -> Face | None:
        """The face of one character as it is seen; None where none has it."""
        if cluster not in self._faces:
            rows = (self._emoji, self._text) if _is_emoji(cluster) else (self._text, self._emoji)
            shapeable = features.check("raqm") or not any(ord(char) in _SHAPED for char in cluster)
            found = (row.first_with(cluster) for row in rows) if shapeable else iter(())
            self._faces[cluster] = next((face for face in found if face), None)
        return self._faces[cluster]

    def _legible(self, text: str) -> str:
        """The text with words in place of what cannot be drawn."""
        parts = []
        for lost, group in groupby(_clusters(text), key=lambda each: self._face(each) is None):
            clusters = list(group)
            parts.append(_told(clusters) if lost else "".join(clusters))
            self.missing.update(clusters if lost else ())
        return "".join(parts)

    def _paste(self, image: Image.Image, at: tuple[int, int], face: Face, text: str) -> None:
        """Draw emoji: most are pixels of one size, which are brought to that of the letters."""
        font, scale = face.sized(self.size), self._scale(face)
        left, top, right, bottom = (round(side) for side in font.getbbox(text, anchor="ls"))
        if right <= left or bottom <= top:
            return
        drawn = Image.new("RGBA", (right - left, bottom - top))
        ImageDraw.Draw(drawn).text((-left, -top), text, "gray", font, "ls", embedded_color=True)
        size = (max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale)))
        small = drawn.resize(size, Image.Resampling.LANCZOS)
        image.paste(small, (round(at[0] + left * scale), round(at[1] + top * scale)), small)


class _Row:
    """Faces, opened no further than until one has what is asked for."""

    def __init__(self, faces: Iterator[Face]) -> None:
        self._open: list[Face] = []
        self._rest = faces

    def first_with(self, text: str, most: int | None = None) -> Face | None:
        """The first that has all the letters, among the first ``most``."""
        wanted = _wanted(text)
        return next((face for face in islice(self, most) if wanted <= face.letters), None)

    def __iter__(self) -> Iterator[Face]:
        yield from self._open
        for face in self._rest:
            self._open.append(face)
            yield face


def _wanted(text: str) -> set[int]:
    """The code points that a font must have: all but those that only say how others are drawn."""
    unseen = {_EMOJI_STYLE, _TEXT_STYLE, _JOINER}
    return {ord(char) for char in text if ord(char) not in unseen and category(char) not in ("Cf", "Zs")}


def _is_emoji(cluster: str) -> bool:
    if chr(_TEXT_STYLE) in cluster:
        return False
    return chr(_EMOJI_STYLE) in cluster or (ord(cluster[0]) >= _EMOJI_FROM and category(cluster[0]) not in ("Lo", "Mn"))


def _told(clusters: Sequence[str]) -> str:
    """Words for what cannot be drawn: its script, as the characters' own names begin."""
    scripts = dict.fromkeys(name(each[0], "UNNAMED").split()[0].capitalize() for each in clusters)
    plural = "s" if len(clusters) > 1 else ""
    return f"[{len(clusters)} {', '.join(scripts)} character{plural}: no font here]".replace("Cjk", "CJK")


def _runs_to_left(text: str) -> bool:
    kinds = (bidirectional(char) for char in text)
    return next((kind for kind in kinds if kind in ("L", *_TO_LEFT)), "L") in _TO_LEFT


def _way(font: ImageFont.FreeTypeFont, *, to_left: bool) -> str | None:
    """Pillow's option; a font that is not set by Raqm has none."""
    return None if font.layout_engine != ImageFont.Layout.RAQM else "rtl" if to_left else "ltr"


@lru_cache(4096)
def _breakable(text: str) -> tuple[str, ...]:
    return tuple(import_module("uniseg.linebreak").line_break_units(text))


@lru_cache(16384)
def _clusters(text: str) -> tuple[str, ...]:
    return tuple(import_module("uniseg.graphemecluster").grapheme_clusters(text))
