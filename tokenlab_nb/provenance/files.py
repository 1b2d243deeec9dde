"""How a picture was made, written into its file and read back.

The record is JSON: in a PNG as a text of its own, and in all files inside their XMP packet, beside what other programs
read there (description, tool, date, and IPTC's term for generated media). It holds no key, and no query of an address.

What is read was written by anybody. So no XML parser works on it (entities and their bombs are left alone), and every
length has a limit.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn
from xml.sax.saxutils import escape

from tokenlab_nb.errors import ImageError
from tokenlab_nb.provenance.containers import ContainerError, is_sealed, keywords, read_notes, with_notes, without_notes
from tokenlab_nb.provenance.record import TOOL, Record, damaged

__all__ = ["KEYWORD", "original", "read", "stamped", "told_of"]

KEYWORD = TOOL
"""The name of the text in a PNG file."""

# What XML forbids, and what few readers take.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

_SPACE = "urn:tokenlab-nb:record#"
_OPENING = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="tokenlab_nb">'
)
_RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
_CLOSING = '</rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
_BLOCK = f'<rdf:Description rdf:about="" xmlns:tlnb="{_SPACE}"><tlnb:record>%s</tlnb:record></rdf:Description>'
_OWN_BLOCK = re.compile(re.escape(_BLOCK).replace("%s", "[^<]*").encode())
_FOUND = re.compile(rb"""<tlnb:record>([^<]*)<|\btlnb:record\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
_PUBLIC = """<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" \
xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
%s<xmp:CreatorTool>%s</xmp:CreatorTool>
<xmp:CreateDate>%s</xmp:CreateDate>
<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/%s</Iptc4xmpExt:DigitalSourceType>
</rdf:Description>
"""
_DESCRIPTION = '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:description>\n'

_OTHERS = {
    "parameters": "Stable Diffusion WebUI",
    "workflow": "ComfyUI",
    "invokeai_metadata": "InvokeAI",
    "sd-metadata": "InvokeAI",
    "Dream": "InvokeAI",
}


# ---------------------------------------------------------------------------------------------------------- writing


def stamped(data: bytes, record: Record) -> bytes:
    """Write a record into a picture file; the bytes of its pixels stay as they are.

    What does not fit is left out in this order: what other programs show, then what was asked.

    Args:
        data: A PNG, JPEG or WebP file.
        record: What is written.

    Raises:
        ContainerError: If the file cannot take it; the text says why.
    """
    if is_sealed(data):
        raise ContainerError("it carries content credentials (C2PA), and their signature covers the whole file")
    before = _foreign(read_notes(data, KEYWORD).xmp)
    short = replace(record, request=None, revised_prompt=None)
    for wanted, described in ((record, True), (record, False), (short, False)):
        try:
            return _written(data, wanted, before, described=described)
        except ContainerError as error:
            trouble = error
    raise trouble


def _written(data: bytes, record: Record, before: bytes | None, *, described: bool) -> bytes:
    text = json.dumps(record.to_json(), ensure_ascii=False, separators=(",", ":"))
    text = _UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    block = _BLOCK % escape(text)
    if before is None:
        xmp: bytes | None = f"{_OPENING}{_RDF}\n{_public(record, described=described)}{block}{_CLOSING}".encode()
    else:  # somebody else's: it stays as it is, and ours stands beside it
        head, end, tail = before.rpartition(b"</rdf:RDF>")
        xmp = head + block.encode() + end + tail if end else None
    return with_notes(data, KEYWORD, text.encode(), xmp)


def _public(record: Record, *, described: bool) -> str:
    """What other programs read."""
    request = record.request
    if record.sandbox:
        source = "algorithmicMedia"
    else:
        source = "compositeWithTrainedAlgorithmicMedia" if request and request.sources else "trainedAlgorithmicMedia"
    prompt = request.prompt if request and described else ""
    tool = f"{KEYWORD} {record.version}" + (f" ({request.model})" if request else "")
    when = datetime.fromtimestamp(record.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    description = _DESCRIPTION % escape(_UNFIT.sub(" ", prompt)) if prompt else ""
    return _PUBLIC % (description, escape(_UNFIT.sub(" ", tool)), when, source)


# ---------------------------------------------------------------------------------------------------------- reading


def read(data: bytes) -> Record | None:
    """Read the record in a picture file.

    Args:
        data: A PNG, JPEG or WebP file.

    Returns:
        The record; None where there is none.

    Raises:
        ImageError: If the file is not whole, or holds a record that is none.
    """
    try:
        notes = read_notes(data, KEYWORD)
    except ContainerError as error:
        raise ImageError(f"Nothing can be read from this picture: {error}.") from error
    text = notes.text if notes.text is not None else _in_xmp(notes.xmp or b"")
    if text is None:
        return None
    try:
        return Record.from_json(json.loads(text.decode(), parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise damaged("it is no JSON") from error


def told_of(data: bytes) -> str:
    """Why a picture file without a record cannot be recalled, in one sentence.

    Raises:
        ContainerError: If the file is not whole.
    """
    other = next((_OTHERS[name] for name in keywords(data) if name in _OTHERS), "")
    if other:
        return f"This picture carries settings of {other}, which are not read here."
    return "This picture carries no record of how it was made."


def original(data: bytes) -> bytes:
    """The file as the service made it, where a record was put into it and nothing else was done; else as it is.

    Whoever hands in a saved picture means that picture: it has the same hash, and takes no prompt along.
    """
    try:
        notes, record = read_notes(data, KEYWORD), read(data)
        if record is None:
            return data
        candidates = without_notes(data, KEYWORD, _foreign(notes.xmp))
        return next((each for each in candidates if hashlib.sha256(each).hexdigest() == record.sha256), data)
    except (ContainerError, ImageError):
        return data


def _foreign(xmp: bytes | None) -> bytes | None:
    """An XMP packet without what stands in it of ours."""
    if xmp is None or xmp.startswith(_OPENING.encode()):
        return None
    return _OWN_BLOCK.sub(b"", xmp)


def _in_xmp(xmp: bytes) -> bytes | None:
    """The record in an XMP packet: the last one, which is ours.

    Programs that write a packet anew may make an attribute of the element.
    """
    found = _FOUND.findall(xmp)
    if not found:
        return None
    value: bytes = max(found[-1])  # of the three ways, the one that it takes
    return html.unescape(value.decode("utf-8", "replace")).encode("utf-8", "replace")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
