"""How the Studio's parts stand on the page: boxes and class names; `static/studio.css` does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

if TYPE_CHECKING:
    from tokenlab_nb.widgets.studio import Studio

__all__ = ["columns"]

IN_CREATE, IN_COMPARE = "tlnb-in-create", "tlnb-in-compare"
"""What is shown in one tab only."""


def columns(studio: Studio) -> Any:
    """Lay out everything below the bar: what is asked, the results, the settings."""
    studio.prompt.layout.width = "auto"
    compare = studio.compare
    foot = w.HBox([studio.button, studio.retry, studio.count])
    # Run stands right below the prompt: the settings are many, and most runs change none of them.
    asked = [studio.picker, studio.inputs, studio.prompt, foot, studio.quote, studio.code_line]
    made = [studio.inputs.canvas, studio.gallery, compare.table, compare.code, compare.shown]
    ask, results, settings = map(w.VBox, (asked, made, [compare.form, studio.controls]))
    for part in (studio.prompt, studio.button, studio.count, studio.code_line, studio.gallery, studio.controls):
        part.add_class(IN_CREATE)
    for part in compare.widgets:
        part.add_class(IN_COMPARE)
    box = w.Box([ask, results, settings])
    named = {
        "prompt": studio.prompt,
        "line": studio.count,
        "foot": foot,
        "run": studio.button,
        "ask": ask,
        "results": results,
        "settings": settings,
        "columns": box,
    }
    for name, widget in named.items():
        widget.add_class(f"tlnb-studio-{name}")
    return box
