"""The reference pictures of a picker as values: what is known of each, what is wrong with it, and the rows of the page.

An address may be signed, and then its query opens the door to somebody's files. So the query stays in Python: whatever
leaves here for the page or for people has been through `shown_address` or `without_queries`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from tokenlab_nb.contract.hosts import url_problem
from tokenlab_nb.contract.model import Issue, Operation
from tokenlab_nb.contract.references import Source, limits, plan

State = Literal["coming", "taking", "ready", "refused"]

_KINDS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP"}
_USER = re.compile(r"(https?://)[^\s/?#]*@", re.IGNORECASE)
_QUERY = re.compile(r"(https?://[^\s?#]*)[?#]\S*", re.IGNORECASE)
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Card:
    """One reference picture, from the moment that it was named.

    Attributes:
        key: Tells the cards of one picker apart; the page may choose it.
        name: What people call it.
        state: On its way from the page, being looked at, part of the value, or refused.
        source: What stands for it in a request, once it is ready.
        notes: What was found out about it when it was taken in; why, where it was refused.
        thumb: The hash that its thumbnail goes by; empty where there is none.
        scaled: From how many pixels the page has scaled it down, in words; empty where it has not.
        facts: What is known of the picture at an address, in words.
        checks: What was found out when its address was fetched.
        checking: Whether its address is being fetched right now.
        made: How its file says that it was made, in words; empty where it says nothing, or nobody could use it.
    """

    key: str
    name: str
    state: State = "coming"
    source: Source | None = None
    notes: tuple[Issue, ...] = ()
    thumb: str = ""
    scaled: str = ""
    facts: str = ""
    checks: tuple[Issue, ...] = ()
    checking: bool = False
    made: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether it is not yet known what will become of it."""
        return self.state in ("coming", "taking")

    @property
    def address(self) -> str | None:
        """The full address, for Python alone."""
        return self.source.url if self.source else None


def ready(cards: Iterable[Card]) -> tuple[Source, ...]:
    """The sources of those that are part of the value, in order."""
    return tuple(card.source for card in cards if card.state == "ready" and card.source)


def moved(deck: tuple[Card, ...], key: str, before: str | None, *, behind: bool = False) -> tuple[Card, ...]:
    """The cards with one of them right before another one (or ``behind`` it), or at the end."""
    card = next((card for card in deck if card.key == key), None)
    if card is None or key == before:
        return deck
    rest = [each for each in deck if each.key != key]
    place = next((place for place, each in enumerate(rest) if each.key == before), len(rest))
    rest.insert(min(place + behind, len(rest)), card)
    return tuple(rest)


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``4th``, ``11th``."""
    teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def clean_name(text: object) -> str:
    """A name from outside as one short line, without characters that nobody sees."""
    line = " ".join(_UNSHOWN.sub(" ", str(text)).split()) or "picture"
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}\u2026"


def host_of(url: str) -> str:
    """The host of an address; empty where it cannot be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def shown_address(url: str) -> str:
    """An address as people may see it: without user name, query and fragment."""
    return clean_name(without_queries(url.replace(" ", "%20")))


def without_queries(text: str, urls: Iterable[str] = ()) -> str:
    """Take the queries and user names out of all addresses in a text.

    Args:
        text: For people.
        urls: Addresses that may stand in it, to the letter; others are found by their looks.
    """
    for url in urls:
        text = text.replace(url, shown_address(url))
    return _QUERY.sub("\\1?\u2026", _USER.sub(r"\1", text))


def size_words(size: int) -> str:
    """A number of bytes for people, as the page words it too."""
    return f"{max(1, round(size / 1000)):,} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def fact_words(width: int, height: int, media_type: str, size: int) -> str:
    """What is known of a picture, in one line."""
    pixels = f"{width:,} \u00d7 {height:,} pixels" if width and height else ""
    parts = (pixels, _KINDS.get(media_type, media_type), size_words(size) if size else "")
    return " \u00b7 ".join(part.replace(" ", "\u00a0") for part in parts if part)  # a line breaks between facts


def issues(cards: Sequence[Card], operations: Mapping[str, Operation], origin: str) -> tuple[Issue, ...]:
    """What is wrong, or worth knowing, about the value for the chosen models; identical things are said once.

    Args:
        cards: All cards, in order.
        operations: What is asked of which model.
        origin: The API's origin.
    """
    counted = [card for card in cards if card.state == "ready"]
    found = [
        replace(note, field=f"references[{place}]")
        for place, card in enumerate(counted)
        for note in (*card.notes, *card.checks)
    ]
    urls = [card.address for card in counted if card.address]
    told = (*found, *_planned(ready(counted), operations, origin))
    clear = (replace(each, message=without_queries(each.message, urls)) for each in told)
    return tuple(dict.fromkeys(clear))


def _planned(sources: tuple[Source, ...], operations: Mapping[str, Operation], origin: str) -> list[Issue]:
    if not operations:
        return _bad_addresses(sources, origin)
    found: dict[Issue, list[str]] = {}
    for model_id, operation in operations.items():
        for issue in plan(operation, sources, None, origin).issues:
            found.setdefault(issue, []).append(model_id)
    return [
        issue if len(models) == len(operations) else replace(issue, message=f"{', '.join(models)}: {issue.message}")
        for issue, models in found.items()
    ]


def _bad_addresses(sources: tuple[Source, ...], origin: str) -> list[Issue]:
    """What no model takes, known before any is chosen."""
    problems = [(place, url_problem(each.url, trusted_origin=origin)) for place, each in enumerate(sources) if each.url]
    return [
        Issue(f"references[{place}]", f"The address cannot be used. {problem}", remedy="Use a public http(s) address.")
        for place, problem in problems
        if problem
    ]


def rows(cards: Sequence[Card], found: Sequence[Issue], operations: Mapping[str, Operation]) -> list[dict[str, object]]:
    """Return what the page draws: texts and numbers, no pixels, no query of an address.

    Args:
        cards: All cards, in order.
        found: What `issues` told about them.
        operations: What is asked of which model.
    """
    made: list[dict[str, object]] = []
    first: dict[str, int] = {}
    place = index = 0
    for card in cards:
        place += card.state != "refused"
        notes = list(card.notes) if card.state == "refused" else []
        if card.state == "ready":
            notes += [issue for issue in found if issue.field == f"references[{index}]"]
            index += 1
        extra = [] if card.state == "refused" else _about_place(card, place, first, operations)
        told = [{"text": f"{each.message} {each.remedy}".strip(), "bad": each.severity == "error"} for each in notes]
        made.append({**_row(card), "notes": [*told, *extra]})
    return made


def _row(card: Card) -> dict[str, object]:
    source = card.source or Source(file_id="none yet")
    facts = fact_words(source.width, source.height, source.media_type, source.size)
    return {
        "key": card.key,
        "name": card.name,
        "state": card.state,
        "kind": "picture" if source.is_local else "address" if source.url else "file",
        "facts": card.facts or " \u00b7 ".join(part for part in (facts, card.scaled) if part),
        "thumb": card.thumb,
        "address": shown_address(source.url) if source.url else "",
        "host": host_of(source.url) if source.url else "",
        "checking": card.checking,
        "made": card.made,
    }


def _about_place(
    card: Card, place: int, first: dict[str, int], operations: Mapping[str, Operation]
) -> list[dict[str, object]]:
    """What hangs on where it stands: too many for a model, or the same as an earlier one."""
    notes: list[dict[str, object]] = []
    over: dict[int, list[str]] = {}
    for model_id, operation in operations.items():
        most = limits(operation).most
        if place > most:
            over.setdefault(most, []).append(model_id)
    for most, models in over.items():
        takes = f"{most} at most" if most else "no pictures"
        notes.append({"text": f"One too many for {', '.join(models)}: {takes}.", "bad": True})
    same = (card.source.picture or card.address or "") if card.source else ""
    if same and first.setdefault(same, place) != place:
        notes.append({"text": f"The same picture as the {ordinal(first[same])}.", "bad": False})
    return notes


def limit_rows(operations: Mapping[str, Operation]) -> list[dict[str, str]]:
    """A sentence for each model; the same sentence is said once, for all models that it holds for."""
    said: dict[str, list[str]] = {}
    for model_id, operation in operations.items():
        said.setdefault(limits(operation).words, []).append(model_id)
    return [{"models": ", ".join(models), "words": words} for words, models in said.items()]
