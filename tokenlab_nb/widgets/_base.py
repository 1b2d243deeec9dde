"""What our widgets share: static files by class, messages with answers, failures shown in the widget, runs of a cell.

A widget is `<name>.py` with `static/<name>.js` and `.css`. anywidget loads *one* text, so what several scripts need
stands in `static/lib/` as plain functions, and is put in front of the widget's own text here.

A message from the front end is a dict with a ``type``; ``_on_<type>(message, buffers)`` handles it. One that carries an
``id`` is a question and is always answered: ``{"type": "answer", "id": ..., "ok": true, "result": ...}`` or
``{..., "ok": false, "error": "text"}``. In a script, `ask(model, type, fields)` of `lib/base.js` does the other half.
"""

from __future__ import annotations

import html
import re
import secrets
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, Protocol, TypeVar

import anywidget
import traitlets as t
from IPython.core.getipython import get_ipython

Buffers = Sequence[bytes | memoryview]
L = TypeVar("L")


class Later:
    """Returned by a handler that answers its question itself, later, by `Widget.answer` or `Widget.refuse`."""


LATER = Later()
Result = Mapping[str, object] | tuple[Mapping[str, object], Buffers] | Later | None

_PACKAGE = "tokenlab_nb.widgets"
_KEY = re.compile(r"\b(sk|mt)-[A-Za-z0-9_\-]{6,}")
_MOST_ERROR_TEXT = 2000


def escape(value: object) -> str:
    """Return ``value`` as text that is safe in HTML, inside quoted attributes too."""
    return html.escape(str(value), quote=True)


def failure_text(error: BaseException) -> str:
    """Say a failure in one text for people: no traceback, and nothing that looks like a key."""
    words = str(error).strip() or type(error).__name__
    if not getattr(error, "hint", None) and type(error).__module__ != "tokenlab_nb.errors":
        words = words if words.startswith(type(error).__name__) else f"{type(error).__name__}: {words}"
    return _KEY.sub(r"\1-...", words)[:_MOST_ERROR_TEXT]


def guard(callback: Callable[..., object], show: Callable[[str], object]) -> Callable[..., None]:
    """Wrap an ipywidgets callback so that its failure is shown, since nothing printed by a callback is.

    Args:
        callback: What to run; its result is dropped.
        show: Gets the failure's text, and an empty text before each run.

    Returns:
        The function to register; it raises nothing but `KeyboardInterrupt` and `SystemExit`.
    """

    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            show("")
            callback(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  every failure of a callback belongs on the screen
            show(failure_text(error))

    return guarded


@cache
def static_text(stem: str, libs: tuple[str, ...], suffix: str) -> str:
    """Return one script or style: the texts of ``lib/<name><suffix>`` that exist, then ``<stem><suffix>``."""
    folder = files(_PACKAGE) / "static"
    parts = [folder / "lib" / f"{name}{suffix}" for name in libs]
    texts = [part.read_text(encoding="utf-8") for part in parts if part.is_file()]
    own = folder / f"{stem}{suffix}"
    if own.is_file() or suffix == ".js":
        texts.append(own.read_text(encoding="utf-8"))
    return "\n".join(texts)


class _Static:
    """Reads a widget's text when the first one is made, so that importing the package stays cheap."""

    def __init__(self, suffix: str) -> None:
        self.suffix = suffix

    def __get__(self, widget: Widget | None, owner: type[Widget]) -> str | _Static:
        if widget is None:  # anywidget looks at the class to see whether this is a path
            return self
        return static_text(owner.stem, ("base", *owner.libs), self.suffix)


class Widget(anywidget.AnyWidget):
    """The root of our anywidgets.

    Attributes:
        stem: Name of the static files; by default the name of the module that defines the class.
        libs: Names of files in ``static/lib/`` that the script needs, in order; ``base`` always comes first.
        uid: A name of this widget that is safe in a CSS class; the same in Python, script and frozen twin.
        error: The last failure as text; `lib/base.js` shows it in an alert region.
    """

    stem: ClassVar[str] = ""
    libs: ClassVar[tuple[str, ...]] = ()

    _esm = _Static(".js")
    _css = _Static(".css")

    uid = t.Unicode().tag(sync=True)
    error = t.Unicode("").tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(f"{_PACKAGE}.") and "stem" not in cls.__dict__:
            cls.stem = cls.__module__.rpartition(".")[2]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"uid": secrets.token_hex(4), **kwargs})
        self.on_msg(self._receive)
        note_run(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._describe()})"

    def close(self) -> None:
        """Free both ends, those of its layout too."""
        super().close()
        close_looks(self)

    def _describe(self) -> str:
        """What stands between the parentheses of the repr: one stable line."""
        return ""

    def show_error(self, text: str) -> None:
        """Show a failure in the widget; an empty text takes it away."""
        self.error = text

    def answer(self, question: object, result: Mapping[str, object] | None = None, buffers: Buffers = ()) -> None:
        """Answer the question with this id."""
        self.send({"type": "answer", "id": question, "ok": True, "result": result}, list(buffers))

    def refuse(self, question: object, text: str) -> None:
        """Answer the question with this id by a failure."""
        self.send({"type": "answer", "id": question, "ok": False, "error": text})

    def _receive(self, _widget: object, message: object, buffers: Buffers) -> None:
        """Hand one front-end message to its handler; answer it, or show why not."""
        content = message if isinstance(message, dict) else {}
        question = content.get("id")
        try:
            result = self._handler(content.get("type"))(content, buffers)
        except Exception as error:  # noqa: BLE001  a traceback printed here would reach nobody
            text = failure_text(error)
            self.show_error(text)
            if question is not None:
                self.refuse(question, text)
            return
        if question is not None and not isinstance(result, Later):
            body, blobs = result if isinstance(result, tuple) else (result, ())
            self.answer(question, body, blobs)

    def _handler(self, kind: object) -> Callable[[Mapping[str, Any], Buffers], Result]:
        handler: Callable[[Mapping[str, Any], Buffers], Result] | None = getattr(self, f"_on_{kind}", None)
        if handler is None:
            raise LookupError(f"This widget takes no message of type {kind!r}.")
        return handler


def enlist(listeners: list[L], listener: L) -> Callable[[], None]:
    """Add a listener; return a function that ends it, however often it is called."""
    listeners.append(listener)

    def end() -> None:
        if listener in listeners:
            listeners.remove(listener)

    return end


def close_looks(widget: Any) -> None:
    """Close a widget's layout and style, widgets of their own that ipywidgets leaves open; none is made for that."""
    made = getattr(widget, "_trait_values", {})
    for part in (made.get("style"), made.get("layout")):
        if part is not None and hasattr(part, "close"):
            part.close()


def close_whole(widget: Any) -> None:
    """Close a plain ipywidget with its layout and style."""
    widget.close()
    close_looks(widget)


def plain_boxes(box: Any) -> list[Any]:
    """All plain ipywidgets below a box; ours close their own."""
    found = []
    for child in box.children:
        if type(child).__module__.startswith(_PACKAGE):
            continue
        found.append(child)
        found += plain_boxes(child) if hasattr(child, "children") else []
    return found


class Closable(Protocol):
    """A widget, or whatever owns some."""

    def close(self) -> None:
        """Free both ends."""


_made: dict[str, tuple[str, weakref.WeakSet[Any]]] = {}
"""By cell id: the run (id of the execute message) and what it made."""


def cell_run() -> tuple[str, str] | None:
    """Return the running cell's id and the id of this run of it; None outside a cell of a kernel."""
    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent("shell") if kernel is not None else None
    if not isinstance(parent, Mapping):
        return None
    header, metadata = parent.get("header") or {}, parent.get("metadata") or {}
    cell, run = metadata.get("cellId"), header.get("msg_id")
    return (cell, run) if cell and run and header.get("msg_type") == "execute_request" else None


def note_run(made: Closable) -> None:
    """Note that the running cell made ``made``, and close what an earlier run of the same cell made.

    Without it, a cell that is run four times leaves four widgets in the kernel and in the page.
    """
    place = cell_run()
    if place is None:
        return
    cell, run = place
    known = _made.get(cell)
    if known is None or known[0] != run:
        _made[cell] = (run, weakref.WeakSet([made]))
        for old in list(known[1]) if known else ():
            old.close()
    else:
        known[1].add(made)
