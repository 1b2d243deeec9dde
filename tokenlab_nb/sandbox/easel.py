"""From a `Picture` to pixels, when there is no reference: wish, palette, scene, manner, finish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from PIL import Image, ImageDraw

from .canvas import Canvas, render
from .colour import mix
from .finish import FINISHES, Work, grain, touch
from .layers import Layer, Mirror, Plane, Point, Scene, Shape, Sky, Sprite
from .manners import Manner, manner_of
from .palette import Palette, choose
from .picture import Picture, dice
from .scenery import compose
from .wording import Wish, read

Size = tuple[int, int]
_DETAIL = {"low": 0, "high": 2, "hd": 2}
_CUT_OUT = 0.86  # share of the frame that a cut-out subject fills


@dataclass(frozen=True, slots=True)
class Easel:
    """A picture's wish, colours and manner, worked out once; every method starts from the same dice."""

    picture: Picture
    wish: Wish
    manner: Manner
    palette: Palette

    @property
    def detail(self) -> int:
        """0 low, 1 medium, 2 high; an unknown quality is medium."""
        return _DETAIL.get(self.picture.quality or "", 1)

    def dice(self, what: str) -> Random:
        """Fresh dice for one purpose, the same for every picture that differs in quality or format only."""
        p = self.picture
        return dice(what, p.model, p.prompt, p.negative_prompt, p.seed, p.index)

    def scene(self, size: Size, scale: float = 1) -> Scene:
        """The prompt's scene for a picture of that size, at a share of it."""
        small = tuple(max(8, round(side * scale)) for side in size)
        scene = compose((small[0], small[1]), self.wish, self.palette, self.dice("scene"), self.detail)
        return _cut_out(scene) if self.picture.transparent and not self.picture.references else scene

    def draw(self, size: Size) -> Image.Image:
        """The prompt's scene in the model's manner; RGB."""
        roll, manner = self.dice("hand"), self.manner
        ground = self.scene(size, manner.scale)
        if manner.redraw:
            ground = replace(ground, layers=tuple(layer for layer in ground.layers if not is_subject(layer)))
        image = FINISHES[manner.finish](render(ground, manner, roll), Work(size, roll, self.detail))
        if manner.redraw:
            self.add_subjects(image, roll)
        return grain(image, manner.grain)

    def add_subjects(self, image: Image.Image, roll: Random, *, falling: bool = False) -> None:
        """Draw the subjects over a picture, and with `falling` what the weather lets fall; changes `image`."""
        scene = self.scene(image.size)
        canvas = Canvas(image, replace(self.manner, dark=False), roll)
        layers = [layer for layer in scene.layers if is_subject(layer)]
        if falling and self.wish.weather:
            layers.append(scene.layers[-1])
        for layer in layers:
            box = canvas.draw(layer)
            if box is not None and is_subject(layer):
                touch(image, self.manner.finish, box, roll)

    def silhouette(self, size: Size) -> Image.Image:
        """Where the cut-out scene is, as a mode `L` mask: the subjects, or else all but the sky."""
        over = 2 if size[0] * size[1] <= 2_600_000 else 1
        mask = Image.new("L", (size[0] * over, size[1] * over))
        pen = ImageDraw.Draw(mask)
        for layer in self.scene(size).layers:
            _trace(pen, layer, over, size[0])
        return mask.reduce(over) if over > 1 else mask


def easel_for(picture: Picture) -> Easel:
    """Work out a picture's wish, manner and palette."""
    wish, manner = read(picture.prompt, picture.negative_prompt), manner_of(picture.model)
    p = picture
    palette = choose(wish, dice("colours", p.model, p.prompt, p.seed, p.index)).bent(manner.hue, manner.saturation)
    return Easel(picture, wish, manner, palette)


def is_subject(layer: Layer) -> bool:
    """Whether a cut-out keeps this layer."""
    return isinstance(layer, Sprite) and layer.subject


def _trace(pen: ImageDraw.ImageDraw, layer: Layer, over: int, width: int) -> None:
    if isinstance(layer, Mirror):
        pen.rectangle((0, layer.top * over, width * over, layer.low * over), 255)
    elif isinstance(layer, Plane):
        for outline in layer.outlines:
            pen.polygon([(x * over, y * over) for x, y in outline], 255)
    elif isinstance(layer, Sprite) and layer.opacity > 0.9:  # clouds, rain and shades are thinner
        for shape in layer.shapes:
            points = [(x * over, y * over) for x, y in shape.points]
            if shape.line:
                pen.line(points, 255, max(1, round(shape.line * over)), joint="curve")
            else:
                pen.polygon(points, 255)


def _cut_out(scene: Scene) -> Scene:
    """The subjects alone, as large as the frame allows, on an even ground; without subjects the scene itself."""
    sprites = [layer for layer in scene.layers if isinstance(layer, Sprite) and layer.subject]
    points = [point for sprite in sprites for shape in sprite.shapes for point in shape.points]
    if not points:
        return scene
    xs, ys = [x for x, _ in points], [y for _, y in points]
    scale = _CUT_OUT * min(scene.width / (max(xs) - min(xs)), scene.height / (max(ys) - min(ys)))
    middle = ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)

    def move(point: Point) -> Point:
        return (point[0] - middle[0]) * scale + scene.width / 2, (point[1] - middle[1]) * scale + scene.height / 2

    first = sprites[-1].shapes[0].colour
    moved = (
        replace(s, shapes=tuple(Shape(tuple(map(move, h.points)), h.colour, h.line * scale) for h in s.shapes))
        for s in sprites
    )
    ground = mix(first, (128, 128, 128), 0.3)  # what shows through at antialiased edges
    return Scene(scene.width, scene.height, (Sky(ground, ground, ground, scene.height), *moved))
