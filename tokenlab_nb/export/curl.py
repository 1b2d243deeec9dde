"""Requests -> curl commands for a POSIX shell. The key comes from ``$TOKENLAB_API_KEY``.

Texts reach the service byte for byte: everything that came from outside stands in single quotes, and what cannot be
seen is spelled out. Comments hold plain words only, since an interactive zsh takes them for commands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from tokenlab_nb.api.wire import Call
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.calls import UNKNOWN, Upload, reachable, shown_call
from tokenlab_nb.export.text import printable

__all__ = ["curl_of"]

_KEY = '--header "Authorization: Bearer $TOKENLAB_API_KEY"'
_NEXT = " \\\n  "
_ID = r"""sed -n 's/.*"id" *: *"\([^"]*\)".*/\1/p'"""  # of an upload's answer, without a tool that must be installed
_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
_NOT_WORDS = re.compile(r"[^\w .,:/-]", re.ASCII)
_GLOBS = re.compile(r"[\[\]{}]")  # curl would take them for a set of addresses
_ASK = "The answer names a task. With its task_id in TASK_ID, ask until its status is completed:"


def curl_of(requests: Sequence[ImageRequest], base_url: str) -> str:
    """Return the commands that send requests once more, and for tasks the line that asks for them.

    Args:
        requests: What was asked.
        base_url: The API's address, without ``/v1``.
    """
    if not requests:
        return ""
    address, notes = reachable(base_url)
    head = [_note(note) for note in notes] if any(each.model for each in requests) else []
    return "\n".join([*head, "\n\n".join("\n".join(_lines(each, address)) for each in requests)])


def _lines(request: ImageRequest, address: str) -> Iterator[str]:
    if not request.model:
        yield _note(UNKNOWN)
        return
    told = shown_call(request)
    yield from map(_note, told.notes)
    for upload in told.uploads:
        yield f"{upload.mark}=$({_command(upload.call, address, (upload.file,))} | {_ID})"
    yield _command(told.call, address, told.files, told.uploads)
    if request.values.get("async") is True:
        yield _note(_ASK)
        yield f'# curl {_quoted(f"{address}/v1/tasks/")}"$TASK_ID" {_KEY}'


def _note(text: str) -> str:
    return f"# {_NOT_WORDS.sub(' ', text.replace(';', ','))}"


def _command(call: Call, address: str, files: Sequence[str], uploads: Sequence[Upload] = ()) -> str:
    url = address + call.path
    parts = [f"curl {'--globoff ' if _GLOBS.search(url) else ''}{_quoted(url)}", _KEY]
    parts += [f"--header {_quoted(printable(f'{name}: {value}'))}" for name, value in call.headers.items()]
    if call.body is not None:
        parts += ["--header 'Content-Type: application/json'", f"--data-raw {_json(call.body, uploads)}"]
    # `--form` would read files that a text names: only pictures go that way.
    parts += [f"--form-string {_quoted(f'{name}={text}')}" for name, text in call.form]
    for part, file in zip(call.files, files, strict=True):
        parts.append(f"--form {_quoted(f'{part.name}=@{file};type={part.media_type}')}")
    return _NEXT.join(parts)


def _json(body: object, uploads: Sequence[Upload]) -> str:
    """A body in quotes. In JSON every character has an escape, so that nothing in it is unseen."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    seen = "".join(char if char == "\n" or printable(char) == char else json.dumps(char)[1:-1] for char in text)
    quoted = _quoted(seen)
    for upload in uploads:
        quoted = quoted.replace(f'"{upload.mark}"', f'"\'"${upload.mark}"\'"')
    return quoted


def _quoted(text: str) -> str:
    """A text as one word of a shell."""
    if _PLAIN.fullmatch(text):
        return text
    runs = groupby(text, lambda char: char != "\n" and printable(char) != char)
    return "".join(_spelled("".join(run)) if unseen else _in_quotes("".join(run)) for unseen, run in runs)


def _in_quotes(text: str) -> str:
    quoted = text.replace("'", "'\\''")
    return f"'{quoted}'"


def _spelled(text: str) -> str:
    """What cannot be seen, byte by byte. No word of a shell can hold a zero byte: it is left out."""
    spelled = "".join(f"\\{byte:03o}" for byte in text.replace("\0", "").encode("utf-8", "replace"))
    return f"\"$(printf '{spelled}')\"" if spelled else ""
