"""Draws layers with Pillow in a manner: fills, shadows, outlines, washes. Edges are drawn at twice the size."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .colour import mix, turn
from .layers import Glow, Haze, Layer, Mirror, Plane, Points, Scene, Shape, Sky, Sprite
from .manners import Manner

Box = tuple[int, int, int, int]
_NEAREST = Image.Resampling.NEAREST
_SOFT = 8  # soft things are drawn at an eighth of the size


class Canvas:
    """One picture in the making; draw layers back to front, then read `image`."""

    def __init__(self, image: Image.Image, manner: Manner, roll: Random) -> None:
        width, height = image.size
        self.image = image
        self._manner = manner
        self._roll = roll
        self._unit = min(width, height)
        self._over = 2 if width * height <= 2_600_000 else 1

    def draw(self, layer: Layer) -> Box | None:
        """Put a layer over what is there; returns the box that a sprite took, None for anything else."""
        match layer:
            case Sky():
                self._sky(layer)
            case Glow():
                self._glow(layer)
            case Haze():
                self._haze(layer)
            case Plane():
                self._plane(layer)
            case Sprite():
                return self._sprite(layer)
            case Mirror():
                self._mirror(layer)
        return None

    def _sky(self, layer: Sky) -> None:
        manner = self._manner
        width, height = self.image.size
        stops = manner.bands or 64
        column = Image.new("RGB", (1, stops))
        for k in range(stops):
            t = (k / (stops - 1)) * height / max(1.0, layer.horizon)
            low = (
                mix(layer.top, layer.middle, t / 0.6)
                if t < 0.6
                else mix(layer.middle, layer.low, min(1.0, (t - 0.6) / 0.4))
            )
            column.putpixel((0, k), manner.ground(low))
        how = _NEAREST if manner.bands else Image.Resampling.BICUBIC
        self.image.paste(column.resize((1, height), how).resize((width, height), _NEAREST))

    def _glow(self, layer: Glow) -> None:
        r = layer.radius
        box = self._clip((layer.x - r, layer.y - r, layer.x + r, layer.y + r))
        if box is None:
            return
        if self._manner.bands:
            self._rings(layer)
            return
        disc = _halo().resize((max(2, round(2 * r)),) * 2, Image.Resampling.BILINEAR)
        left, top = round(layer.x - r), round(layer.y - r)
        disc = disc.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
        self.image.paste(self._manner.ground(layer.colour), box, disc.point(lambda v: int(v * layer.strength)))

    def _rings(self, layer: Glow) -> None:
        """A glow for flat manners: a few discs, each a little stronger."""
        box = self._clip(
            (layer.x - layer.radius, layer.y - layer.radius, layer.x + layer.radius, layer.y + layer.radius)
        )
        if box is None:
            return
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]))
        pen = ImageDraw.Draw(mask)
        for share, strength in ((1.0, 0.2), (0.7, 0.36), (0.45, 0.5)):
            r, x, y = layer.radius * share, layer.x - box[0], layer.y - box[1]
            pen.ellipse((x - r, y - r, x + r, y + r), round(255 * strength * layer.strength))
        self.image.paste(self._manner.ground(layer.colour), box, mask)

    def _haze(self, layer: Haze) -> None:
        """Grows from `top` to `low`, then fades out again over half the way."""
        rise = max(2, round(layer.low - layer.top))
        fall = rise // 2
        column = Image.new("L", (1, rise + fall))
        column.paste(_fade().resize((1, rise)))
        column.paste(_fade().resize((1, fall)).transpose(Image.Transpose.FLIP_TOP_BOTTOM), (0, rise))
        top = round(layer.top)
        box = self._clip((0, top, self.image.width, top + rise + fall))
        if box is None:
            return
        seen = column.crop((0, box[1] - top, 1, box[3] - top)).point(lambda v: int(v * layer.strength))
        self.image.paste(self._manner.ground(layer.colour), box, seen.resize((box[2], box[3] - box[1]), _NEAREST))

    def _plane(self, layer: Plane) -> None:
        manner = self._manner
        outlines = [manner.edge(outline, self._unit, self._roll) for outline in layer.outlines]
        box = self._bounds(outlines)
        if box is None:
            return
        mask = self._mask(outlines, box)
        if manner.shadow and layer.ridge:
            low = max((y for outline in outlines for _, y in outline if y < self.image.height), default=box[3])
            cut = min(box[3], math.ceil(low) + 2)
            self._shadow(mask.crop((0, 0, mask.width, cut - box[1])), (box[0], box[1], box[2], cut))
        if manner.outline and layer.ridge:  # under the fill, so that only the union's contour shows
            colour, line = manner.line_colour(layer.top), 2 * manner.outline * self._unit
            self._strokes([Shape(self._seen(outline), colour, line) for outline in outlines], 1)
        self._fill(layer, mask, box)

    def _seen(self, outline: Points) -> Points:
        """An outline closed, or open where it runs below the picture's edge."""
        seen = tuple(point for point in outline if point[1] < self.image.height)
        return (*seen, seen[0]) if seen and len(seen) == len(outline) else seen

    def _fill(self, layer: Plane, mask: Image.Image, box: Box) -> None:
        manner = self._manner
        width, height = box[2] - box[0], box[3] - box[1]
        if manner.gradient:
            top, low = manner.ground(layer.top), manner.ground(mix(layer.top, layer.low, manner.gradient))
            span = max(2, min(height, round(0.45 * self._unit)))
            column = Image.new("RGB", (1, height), low)
            ramp = Image.new("RGB", (1, 2), top)
            ramp.putpixel((0, 1), low)
            column.paste(ramp.resize((1, span), Image.Resampling.BILINEAR))
            paint = column.resize((width, height), _NEAREST)
        else:
            paint = Image.new("RGB", (width, height), manner.ground(layer.top))
        if manner.wash < 1:
            mask = mask.point(lambda v: int(v * manner.wash))
        self.image.paste(paint, box[:2], mask)

    def _shadow(self, mask: Image.Image, box: Box) -> None:
        """A soft shadow above and beside what is about to be laid on."""
        reach = max(2, round(self._unit * 0.02))
        area = self._clip((box[0] - reach, box[1] - 2 * reach, box[2] + reach, box[3] + reach))
        if area is None:
            return
        size = (max(1, (area[2] - area[0]) // _SOFT), max(1, (area[3] - area[1]) // _SOFT))
        small = Image.new("L", size)
        inner = mask.resize((max(1, mask.width // _SOFT), max(1, mask.height // _SOFT)), Image.Resampling.BOX)
        small.paste(inner, ((box[0] - area[0]) // _SOFT, (box[1] - area[1] - reach // 2) // _SOFT))
        small = small.filter(ImageFilter.GaussianBlur(reach / _SOFT * 0.9)).point(
            lambda v: int(v * self._manner.shadow)
        )
        soft = small.resize((area[2] - area[0], area[3] - area[1]), Image.Resampling.BILINEAR)
        self.image.paste((26, 20, 56), area, soft)

    def _sprite(self, layer: Sprite) -> Box | None:
        manner = self._manner
        shapes = [
            Shape(
                manner.edge(s.points, self._unit * 0.4, self._roll) if not s.line else s.points,
                manner.ink(s.colour),
                s.line,
            )
            for s in layer.shapes
        ]
        if layer.subject and manner.shadow:
            outlines = [s.points for s in shapes if not s.line]
            box = self._bounds(outlines)
            if box is not None:
                self._shadow(self._mask(outlines, box), box)
        if layer.subject and manner.outline:
            line = manner.outline * self._unit * 0.8
            outlined: list[Shape] = []
            for s in shapes:
                outlined.append(s)
                if not s.line:
                    outlined.append(Shape((*s.points, s.points[0]), manner.line_colour(s.colour), line))
            shapes = outlined
        return self._strokes(shapes, layer.opacity)

    def _strokes(self, shapes: list[Shape], opacity: float) -> Box | None:
        """Draw shapes over each other; returns the box they took."""
        wide = max((s.line for s in shapes), default=0)
        box = self._bounds([s.points for s in shapes], 2 + wide)
        if box is None:
            return None
        if len({s.colour for s in shapes}) == 1:  # one ink: a mask is four times cheaper than a colour copy
            work = Image.new("L", ((box[2] - box[0]) * self._over, (box[3] - box[1]) * self._over))
            self._trace(work, shapes, box, round(255 * opacity))
            self.image.paste(shapes[0].colour, box, work.reduce(self._over))
            return box
        # On an enlarged copy of the ground below: antialiasing without alpha fringes.
        ground = self.image.crop(box)
        work = ground.resize((ground.width * self._over, ground.height * self._over), _NEAREST)
        self._trace(work, shapes, box, None)
        done = work.reduce(self._over)
        self.image.paste(Image.blend(ground, done, opacity) if opacity < 1 else done, box[:2])
        return box

    def _trace(self, work: Image.Image, shapes: list[Shape], box: Box, level: int | None) -> None:
        """Draw shapes into an enlarged cut of the picture, in their colours or all at one level of a mask."""
        pen, over = ImageDraw.Draw(work), self._over
        for shape in shapes:
            points = [((x - box[0]) * over, (y - box[1]) * over) for x, y in shape.points]
            ink = shape.colour if level is None else level
            if shape.line:
                wide = max(1, round(shape.line * over))
                pen.line(
                    points, ink, wide, joint="curve" if wide > 14 else None
                )  # round joints cost, and show when wide only
            else:
                pen.polygon(points, ink)

    def _mirror(self, layer: Mirror) -> None:
        width, height = self.image.size
        top, low = max(1, round(layer.top)), min(height, round(layer.low))
        if low - top < 2:
            return
        span = min(top, round((low - top) * 1.3))
        above = self.image.crop((0, top - span, width, top)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        below = above.resize((width, low - top), Image.Resampling.BILINEAR)
        below = Image.blend(below, Image.new("RGB", below.size, self._manner.ground(layer.tint)), layer.strength)
        self.image.paste(self._ripple(below), (0, top))
        deep = turn(layer.tint, 0, 1, 0.5)
        fade = _fade().resize((1, low - top)).point(lambda v: int(v * 0.45)).resize((width, low - top), _NEAREST)
        self.image.paste(self._manner.ground(deep), (0, top, width, low), fade)

    def _ripple(self, image: Image.Image) -> Image.Image:
        """Shift thin rows sideways, more the nearer they are."""
        out, y, k = image.copy(), 0, self._roll.randrange(64)
        while y < image.height:
            near = y / image.height
            thick = max(1, round(self._unit * (0.002 + 0.010 * near)))
            shift = round(self._unit * (0.002 + 0.012 * near) * math.sin(k * 2.4))
            out.paste(image.crop((0, y, image.width, min(image.height, y + thick))), (shift, y))
            y, k = y + thick, k + 1
        return out

    def _mask(self, outlines: list[Points], box: Box) -> Image.Image:
        over = self._over
        mask = Image.new("L", ((box[2] - box[0]) * over, (box[3] - box[1]) * over))
        pen = ImageDraw.Draw(mask)
        for outline in outlines:
            pen.polygon([((x - box[0]) * over, (y - box[1]) * over) for x, y in outline], 255)
        return mask.reduce(over)

    def _bounds(self, outlines: list[Points], margin: float = 1) -> Box | None:
        xs = [x for outline in outlines for x, _ in outline]
        ys = [y for outline in outlines for _, y in outline]
        if not xs:
            return None
        return self._clip((min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin))

    def _clip(self, box: tuple[float, float, float, float]) -> Box | None:
        width, height = self.image.size
        left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
        right, low = min(width, math.ceil(box[2])), min(height, math.ceil(box[3]))
        return (left, top, right, low) if right > left and low > top else None


def render(scene: Scene, manner: Manner, roll: Random) -> Image.Image:
    """Draw a whole scene.

    Returns:
        An RGB picture of the scene's size.
    """
    canvas = Canvas(Image.new("RGB", (scene.width, scene.height)), manner, roll)
    for layer in scene.layers:
        canvas.draw(layer)
    return canvas.image


def _halo() -> Image.Image:
    return ImageChops.invert(Image.radial_gradient("L")).point(
        [round(255 * max(0.0, (v - 74) / 181) ** 1.8) for v in range(256)]
    )


def _fade() -> Image.Image:
    return Image.linear_gradient("L")
