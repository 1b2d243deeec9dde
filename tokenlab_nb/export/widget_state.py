"""Saved widget state in a notebook: what GitHub refuses, what shows nothing, and pictures that swell the file.

The form is that of ipywidgets' "Jupyter Widget Messaging": ``metadata.widgets`` holds, under the MIME type of saved
state, ``version_major``, ``version_minor`` and ``state``, which holds the models by their ids. GitHub refuses a whole
notebook in which ``state`` is missing ("the 'state' key is missing from 'metadata.widgets'"); Colab writes such ones,
with the models one level too high.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from tokenlab_nb.export.cells import cells, outputs
from tokenlab_nb.export.findings import Finding
from tokenlab_nb.export.text import size_words

__all__ = ["STATE", "VIEW", "treat_widgets"]

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"

_PLACE = "notebook metadata, widgets"
_MAJOR, _MINOR = 2, 0
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")
_SEEN = ("text/html", "text/markdown", "text/latex", "image/")


def treat_widgets(tree: dict[str, Any]) -> Iterator[Finding]:
    """Mend ``metadata.widgets`` and the outputs that lean on it.

    Args:
        tree: The notebook; it is changed.

    Yields:
        What was wrong.
    """
    metadata = tree["metadata"]
    if "widgets" in metadata:
        yield from _whole(metadata)
    known = metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    if known:
        yield from _models(known)
        yield from _pixels(known)
    for number, cell in cells(tree):
        yield from _views(number, cell, known)


def _whole(metadata: dict[str, Any]) -> Iterator[Finding]:
    widgets = metadata["widgets"]
    if not isinstance(widgets, dict):
        del metadata["widgets"]
        yield Finding(
            "widgets", _PLACE, "It is no JSON object: GitHub refuses the notebook.", "It is removed.", mended=True
        )
        return
    for name, value in list(widgets.items()):
        yield from _entry(widgets, name, value)
    if not widgets:
        del metadata["widgets"]


def _entry(widgets: dict[str, Any], name: str, value: object) -> Iterator[Finding]:
    """One MIME type's: it must hold ``state``."""
    state = value.get("state") if isinstance(value, dict) else None
    loose = {key: item for key, item in value.items() if _is_model(item)} if isinstance(value, dict) else {}
    if name == STATE and isinstance(value, dict) and (loose or isinstance(state, dict)):
        if "state" not in value or loose:
            rest = {key: item for key, item in value.items() if key not in loose and not isinstance(item, dict)}
            kept = state if isinstance(state, dict) else {}
            widgets[name] = value = {**rest, "state": {**loose, **kept}}
            told = "The models stand one level too high, without 'state': GitHub refuses the notebook."
            yield Finding("widgets", _PLACE, told, "They are put under 'state'.", mended=True)
        yield from _version(value)
    elif not isinstance(state, dict):
        del widgets[name]
        told = f"{name!r} has no 'state': GitHub refuses the notebook."
        yield Finding("widgets", _PLACE, told, "It is removed: no widget could be read from it.", mended=True)


def _version(value: dict[str, Any]) -> Iterator[Finding]:
    major, minor = value.get("version_major"), value.get("version_minor")
    if type(major) is int and type(minor) is int:
        if major != _MAJOR:
            told = f"The state is of version {major}; today's is {_MAJOR}."
            yield Finding("widgets", _PLACE, told, "Run the notebook again and save it, or clear the widget state.")
        return
    value.update({"version_major": _MAJOR, "version_minor": _MINOR})
    yield Finding("widgets", _PLACE, "The version of the state is missing or no number.", "It is written.", mended=True)


def _is_model(item: object) -> bool:
    return isinstance(item, dict) and "model_name" in item and "model_module" in item


def _models(known: dict[str, Any]) -> Iterator[Finding]:
    broken = [key for key, model in known.items() if not (_is_model(model) and isinstance(model.get("state"), dict))]
    for key in broken:
        del known[key]
    if broken:
        told = f"{len(broken)} of {len(broken) + len(known)} models have no name, no module or no state."
        yield Finding("widgets", _PLACE, told, "They are removed: no page can show them.", mended=True)


def _pixels(known: dict[str, Any]) -> Iterator[Finding]:
    """Pictures in binary parts of the state; other binary parts are not understood here, and stay."""
    count, length = 0, 0
    for model in known.values():
        buffers = model.get("buffers")
        if not isinstance(buffers, list):
            continue
        pictures = [buffer for buffer in buffers if _is_picture(buffer)]
        count, length = count + len(pictures), length + sum(len(buffer["data"]) for buffer in pictures)
        rest = [buffer for buffer in buffers if buffer not in pictures]
        if pictures and rest:
            model["buffers"] = rest
        elif pictures:
            del model["buffers"]
    if count:
        told = f"The saved widget state holds {count} picture{'s' if count > 1 else ''} ({size_words(length)})."
        remedy = "They are taken out; the widgets that showed them show nothing until the notebook runs again."
        yield Finding("pixels", _PLACE, told, remedy, mended=True)


def _is_picture(buffer: object) -> bool:
    data = buffer.get("data") if isinstance(buffer, dict) and buffer.get("encoding") == "base64" else None
    if not isinstance(data, str):
        return False
    try:
        return b64decode(data[:16]).startswith(_PICTURES)
    except ValueError:
        return False


def _views(number: int, cell: dict[str, Any], known: dict[str, Any]) -> Iterator[Finding]:
    """Widgets in outputs whose model is nowhere; one with pictures or a table beside it (a frozen twin) is right so."""
    bundles = [(place, output["data"]) for place, output in outputs(cell) if isinstance(output.get("data"), dict)]
    for place, data in bundles:
        view = data.get(VIEW)
        model = view.get("model_id") if isinstance(view, dict) else None
        if VIEW not in data or model in known or any(_is_seen(other) for _, other in bundles if other is not data):
            continue
        told = "A widget whose state is not in the file: who opens it sees 'Error displaying widget', or nothing."
        if mended := len(data) > 1:
            del data[VIEW]
        remedy = "Its text is shown in its place." if mended else "Clear the output, or save it with its widget state."
        # Jupyter saves no state unless it is told to: then this is how every widget is kept, and only worth knowing.
        yield Finding("widgets", f"cell {number}, output {place}", told, remedy, mended=mended, note=not known)


def _is_seen(data: dict[str, Any]) -> bool:
    return any(name.startswith(_SEEN) for name in data)
