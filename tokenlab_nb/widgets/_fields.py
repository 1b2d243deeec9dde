"""One control for one parameter. Every control can say "auto": then nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, Protocol

import ipywidgets as w

from tokenlab_nb.contract.model import Json, Param


class Auto(Enum):
    """The value of a control that was not set. Not None, which is JSON's null and may be sent."""

    AUTO = "auto (not sent)"


AUTO: Final = Auto.AUTO

_MOST_RADIOS: Final = 5
_MOST_RADIO_LETTERS: Final = 36  # together; more do not fit beside each other in a narrow column
_MOST_LISTED_NUMBERS: Final = 12

# What auto means where it is not "left to the model": tasks are asked for on our side.
_AUTO_LABELS: Final = {"async": "auto"}


class UnreadableError(ValueError):
    """What was typed has no value; the text says why."""


class Field(Protocol):
    """A control and its way to and from JSON values."""

    @property
    def control(self) -> Any:
        """The ipywidget; its trait ``value`` changes whenever the field's does."""

    def get(self) -> Json | Auto:
        """Return the value, or AUTO.

        Raises:
            UnreadableError: If what was typed has no value.
        """

    def put(self, value: Json | Auto) -> None:
        """Show a value, also one that is not among the choices: it is for the checks to object."""


class ChoiceField:
    """Radio buttons for a few short choices, a native list for more; auto comes first."""

    def __init__(self, param: Param, choices: list[tuple[str, Json]], **common: Any) -> None:
        auto = "choose (needed)" if param.required else _AUTO_LABELS.get(param.name, AUTO.value)
        self._options: list[tuple[str, Json | Auto]] = [(auto, AUTO), *choices]
        letters = sum(len(label) for label, _ in choices)
        few = len(choices) <= _MOST_RADIOS and letters <= _MOST_RADIO_LETTERS
        kind = w.RadioButtons if few else w.Dropdown
        self.control = kind(options=self._options, value=AUTO, **common)

    def get(self) -> Json | Auto:
        """Return the chosen value, or AUTO."""
        chosen: Json | Auto = self._options[self.control.index][1]
        return chosen

    def put(self, value: Json | Auto) -> None:
        """Choose a value; one that is not listed is added, and said to be."""
        # By identity of type too: to Python, True equals 1.
        at = next(
            (i for i, (_, known) in enumerate(self._options) if known == value and type(known) is type(value)), None
        )
        if at is None:
            at = len(self._options)
            self._options = [*self._options, (f"{value} (not listed)", value)]
            self.control.options = self._options
        self.control.index = at


class TextField:
    """A line, an area or a line with suggestions; empty is auto."""

    def __init__(self, control: Any, read: Callable[[str], Json], write: Callable[[Json], str] = str) -> None:
        self.control = control
        self._read = read
        self._write = write

    def get(self) -> Json | Auto:
        """Return what was typed as a value; AUTO where nothing was.

        Raises:
            UnreadableError: If it has no value.
        """
        text = str(self.control.value)
        return self._read(text) if text.strip() else AUTO

    def put(self, value: Json | Auto) -> None:
        """Type a value; AUTO empties the field."""
        self.control.value = "" if isinstance(value, Auto) else self._write(value)


def make_field(param: Param, **common: Any) -> Field:
    """Make the control of a parameter.

    Args:
        param: What it accepts.
        common: Traits for the control, such as ``layout``.

    Returns:
        The field, set to AUTO.
    """
    common = {"description": param.label or param.name, "tooltip": param.help, **common}
    listed = _listed(param)
    if listed:
        return ChoiceField(param, listed, **common)
    common["placeholder"] = "needed" if param.required else AUTO.value
    if param.kind == "integer":
        return TextField(w.Text(**common), _read_integer)
    if param.kind == "json":
        return TextField(w.Textarea(rows=2, **common), _read_json, json.dumps)
    if param.kind == "text":
        return TextField(w.Textarea(rows=2, **common), str)
    if param.suggestions:
        return TextField(w.Combobox(options=param.suggestions, ensure_option=False, **common), str.strip)
    return TextField(w.Text(**common), str.strip)


def _listed(param: Param) -> list[tuple[str, Json]]:
    """The choices with their labels, where every accepted value can be listed."""
    if param.choices:
        # The API has a value of that name; here auto already means that nothing is sent.
        return [("auto (sent)" if choice == "auto" else choice, choice) for choice in param.choices]
    if param.kind == "boolean":
        return [("on", True), ("off", False)]
    low, high = param.minimum, param.maximum
    if param.kind == "integer" and low is not None and high is not None and high - low < _MOST_LISTED_NUMBERS:
        return [(str(number), number) for number in range(low, high + 1)]
    return []


def _read_integer(text: str) -> Json:
    # What is no number stays as it was typed: the checks say what is wrong with it.
    try:
        return int(text)
    except ValueError:
        return text.strip()


def _read_json(text: str) -> Json:
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise UnreadableError("This is nested too deeply.") from None
    return value


def _refuse_constant(name: str) -> Json:
    raise UnreadableError(f"JSON has no {name}.")
