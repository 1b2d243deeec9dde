"""A press of the Studio's Run button: what sending needs is read first, if it is old, and nothing waits for that."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tokenlab_nb.contract.model import Model
from tokenlab_nb.errors import TokenLabError

if TYPE_CHECKING:
    from tokenlab_nb.jobs.engine import Answer
    from tokenlab_nb.widgets.studio import Studio

__all__ = ["Press"]

_CHANGED = "Something changed after Run was pressed. Nothing was sent: press it again."
_DEARER = "The price has changed since it was shown. Nothing was sent: look, and press Run again."


class Press:
    """Presses of one Studio's button, one at a time. No callback waits for the network here.

    Args:
        studio: Whose button it is.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._reading: set[str] | None = None  # models that a press still waits for

    def press(self) -> None:
        """Run, once the present contracts and prices of the chosen models are at hand."""
        if self._reading:
            return
        studio = self._studio
        known = {name: studio.session.model_at_hand(name) for name in studio.wanted_models()}
        stale = {name for name, model in known.items() if model is None}
        if not stale:
            # Somebody else may have read them anew meanwhile, and a promotion may just have ended.
            studio.renew({name: model for name, model in known.items() if model})
            self._run_if_priced_as_shown()
            return
        self._reading, pressed = stale, studio.wish()
        for name in sorted(stale):
            studio.then(f"present {name}", studio.session.fetch_model(name), partial(self._take, name, stale, pressed))

    def _take(self, name: str, wanted: set[str], pressed: object, answer: Answer[Model]) -> None:
        studio = self._studio
        if self._reading is not wanted or studio.comm is None:  # one of them failed, or the Studio was closed
            return
        try:
            model = studio.result(answer)
        except TokenLabError:
            self._reading = None
            raise
        wanted.discard(name)
        studio.renew({name: model})
        if wanted:
            return
        self._reading = None
        if pressed != studio.wish():
            studio.quote.show_error(_CHANGED)
            return
        self._run_if_priced_as_shown()

    def _run_if_priced_as_shown(self) -> None:
        studio = self._studio
        shown = studio.priced
        studio.reprice()
        if shown != studio.priced:
            studio.quote.show_error(_DEARER)
            return
        try:
            studio.run()
        except TokenLabError:
            if not studio.quote.error:  # else it is told already, beside the button
                raise
