"""Which words of a prompt change the picture: subjects, colours, time of day, weather, scenery."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from .colour import RGB, from_hex

_REACH = 2  # a colour or a number belongs to a subject at most this many words further on
_PLURAL = 3  # how many "foxes" are, when no number is given
_REFUSALS = frozenset({"no", "not", "without", "minus"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A subject of `subjects.json` that the prompt names, with its own colour and number."""

    name: str
    colour: RGB | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What a prompt asks for; empty where it says nothing."""

    subjects: tuple[Mention, ...] = ()
    colours: tuple[RGB, ...] = ()
    time: str | None = None
    weather: str | None = None
    features: frozenset[str] = frozenset()


@cache
def vocabulary() -> dict[str, dict[str, Any]]:
    """`vocabulary.json`: by kind, word -> meaning."""
    loaded: dict[str, dict[str, Any]] = json.loads(_data("vocabulary.json"))
    return loaded


@cache
def subjects() -> dict[str, dict[str, Any]]:
    """`subjects.json`: by name, the words, setting, size, colour and shapes of each subject."""
    loaded: dict[str, dict[str, Any]] = json.loads(_data("subjects.json"))
    return loaded


def read(prompt: str, negative_prompt: str = "") -> Wish:
    """Find the words that count; whole words, singular or plural, "no snow" respected.

    Args:
        prompt: Any text; words not known change nothing here.
        negative_prompt: What is named here is left out.

    Returns:
        The wish, subjects and colours in the order in which the prompt names them.
    """
    words = _words(prompt)
    refused = set(_words(negative_prompt)) | {b for a, b in pairwise(words) if a in _REFUSALS}
    kept = ["" if word in refused else word for word in words]
    found, taken = _mentions(kept, re.findall(r"[a-z]+", prompt.lower()))
    terms = vocabulary()
    colours = [terms["colours"][w] for i, w in enumerate(kept) if w in terms["colours"] and i not in taken]
    return Wish(
        subjects=found,
        colours=tuple(dict.fromkeys(from_hex(code) for code in colours)),
        time=_first(kept, terms["times"]),
        weather=_first(kept, terms["weather"]),
        features=frozenset(terms["features"][word] for word in kept if word in terms["features"]),
    )


def _mentions(words: list[str], raw: list[str]) -> tuple[tuple[Mention, ...], set[int]]:
    """The subjects, and the places of the colour words that belong to them."""
    terms, by_word = vocabulary(), _subject_words()
    found: dict[str, Mention] = {}
    taken: set[int] = set()
    for place, word in enumerate(words):
        name = by_word.get(word)
        if name is None or name in found:
            continue
        before = range(max(0, place - _REACH), place)
        tints = [i for i in before if words[i] in terms["colours"] and i not in taken]
        numbers = [terms["numbers"][words[i]] for i in before if words[i] in terms["numbers"]]
        plural = _PLURAL if raw[place] != word else 1
        colour = from_hex(terms["colours"][words[tints[-1]]]) if tints else None
        taken.update(tints[-1:])
        found[name] = Mention(name, colour, numbers[-1] if numbers else plural)
    return tuple(found.values()), taken


@cache
def _subject_words() -> dict[str, str]:
    return {word: name for name, subject in subjects().items() for word in subject["words"]}


@cache
def _known() -> frozenset[str]:
    terms = vocabulary()
    return frozenset(_subject_words()).union(*(terms[kind] for kind in terms if kind != "irregular"))


def _words(text: str) -> list[str]:
    return [_singular(word) for word in re.findall(r"[a-z]+", text.lower())]


def _singular(word: str) -> str:
    if word in _known():
        return word
    irregular = vocabulary()["irregular"]
    forms = [irregular.get(word, ""), word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y"]
    return next((form for form in forms if form in _known()), word)


def _first(words: list[str], table: dict[str, Any]) -> str | None:
    return next((table[word] for word in words if word in table), None)


def _data(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
