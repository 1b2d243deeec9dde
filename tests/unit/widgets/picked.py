"""What the tests of the reference picker share."""

import hashlib
import io
import json

from PIL import Image

SIGNED = "https://images.example.org/a/fox.png?X-Amz-Signature=SECRET"


def png(colour="red", size=(64, 48)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def names(picker):
    return [card["name"] for card in picker.cards]


def notes(picker, index=0):
    return [note["text"] for note in picker.cards[index]["notes"]]


def saved(picker):
    """What a notebook would keep of it."""
    state = picker.get_state()
    return json.dumps({name: value for name, value in state.items() if name not in ("_esm", "_css", "layout")})
