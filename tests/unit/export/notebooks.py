"""Small notebooks for the tests of the doctor."""

from __future__ import annotations

import base64
import io
import json
from random import Random
from typing import Any

from PIL import Image

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
KEY = "sk-" + "canary" * 3
SIGNED = "https://b.example.com/fox.png?X-Amz-Date=20261126T170000Z&X-Amz-Signature=5ecre7"
HOME = "/home/alice/work"


def noise(edge: int = 200, kind: str = "PNG") -> str:
    """A picture that packs badly, in base64; the same each time."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (edge, edge), Random(edge).randbytes(edge * edge * 3)).save(buffer, kind, quality=95)
    return base64.b64encode(buffer.getvalue()).decode()


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def bundle(data: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"data": data, "metadata": metadata, "output_type": "display_data"}


def stream(*lines: str) -> dict[str, Any]:
    return {"name": "stdout", "output_type": "stream", "text": list(lines)}


def code(source: str = "", *outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    cell = {"cell_type": "code", "execution_count": 1, "id": "", "metadata": {}, "outputs": list(outputs)}
    return {**cell, "source": source.splitlines(keepends=True), **more}


def notebook(*cells: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    named = [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
    return {"cells": named, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def written(tree: dict[str, Any]) -> bytes:
    """As Jupyter writes it."""
    return (json.dumps(tree, indent=1, ensure_ascii=False) + "\n").encode()


def model(**more: Any) -> dict[str, Any]:
    return {"model_module": "m", "model_module_version": "1.0", "model_name": "MModel", "state": {}, **more}


def view(model_id: str = "m1", **data: Any) -> dict[str, Any]:
    return bundle({VIEW: {"model_id": model_id, "version_major": 2, "version_minor": 0}, **data})
