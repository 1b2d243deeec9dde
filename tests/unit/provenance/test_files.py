"""A record goes into a file and comes back; other programs read their part, and no file can hurt."""

from __future__ import annotations

import html
import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.unit.pictures import encoded, gradient, noise, opened, packed_png
from tests.unit.provenance.samples import FILES, FOREIGN, PROMPT, foreign, record, request, webp, with_chunk
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import ImageError
from tokenlab_nb.provenance.containers import ContainerError, read_notes, with_notes
from tokenlab_nb.provenance.files import KEYWORD, original, read, stamped, told_of

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"


def packet(data: bytes) -> ET.Element:
    """The XMP that Pillow finds, parsed as other programs parse it."""
    xmp: Any = opened(data).info["xmp"]
    return ET.fromstring(xmp)


@pytest.mark.parametrize("kind", FILES)
def test_a_record_comes_back_and_the_file_with_it(kind: str) -> None:
    data = FILES[kind]
    wanted = record(data, request=request(PROMPT), revised_prompt=PROMPT)
    made = stamped(data, wanted)
    assert read(made) == wanted
    assert original(made) == data
    assert stamped(made, wanted) == made
    assert opened(made).tobytes() == opened(data).tobytes()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_other_programs_read_description_tool_date_and_kind(kind: str) -> None:
    found = packet(stamped(FILES[kind], record(request=request(PROMPT))))
    texts = {node.tag.partition("}")[2]: "".join(node.itertext()).strip() for node in found.iter()}
    assert texts["CreatorTool"] == "tokenlab_nb 1.2.3 (some-model)"
    assert texts["CreateDate"] == "2025-11-26T00:00:00Z"
    assert texts["description"].startswith('a "red" <fox> & \N{FOX FACE} ]]> <!--')
    assert texts["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"request": None}, "trainedAlgorithmicMedia"),
        ({"request": request(references=(Source(sha256="c" * 64),))}, "compositeWithTrainedAlgorithmicMedia"),
        ({"sandbox": True}, "algorithmicMedia"),
    ],
)
def test_the_kind_of_media_is_said_as_it_is(changes: dict[str, Any], kind: str) -> None:
    found = packet(stamped(FILES["png"], record(**changes))).find(f".//{IPTC}")
    assert found is not None
    assert (found.text or "").rpartition("/")[2] == kind


def test_a_png_says_it_in_a_text_of_its_own_that_pillow_reads() -> None:
    text: Any = opened(stamped(FILES["png"], record())).info["tokenlab_nb"]
    assert json.loads(text) == record().to_json()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_anothers_metadata_stay_and_the_record_stands_beside_them(kind: str) -> None:
    data = foreign(kind)
    made = stamped(data, record(data))
    assert read(made) == record(data)
    assert original(made) == data
    xmp = read_notes(made, KEYWORD).xmp or b""
    assert b"<dc:format>theirs</dc:format>" in xmp
    assert packet(made).find(f".//{DESCRIPTION}") is None
    assert stamped(made, record(data)) == made


def test_a_long_request_loses_first_what_others_show_and_then_itself_in_jpeg_alone() -> None:
    for count, described, whole in ((100, True, True), (40_000, False, True), (70_000, False, False)):
        wanted = record(FILES["jpeg"], request=request("x" * count))
        made = stamped(FILES["jpeg"], wanted)
        assert (packet(made).find(f".//{DESCRIPTION}") is not None) is described
        found = read(made)
        assert found
        assert (found.request is not None) is whole
        assert found.job == wanted.job
        assert original(made) == FILES["jpeg"]
        for kind in ("png", "webp"):
            assert read(stamped(FILES[kind], wanted)) == wanted


def test_a_signature_over_the_whole_file_is_not_broken() -> None:
    with pytest.raises(ContainerError, match="content credentials"):
        stamped(with_chunk(b"caBX", b"jumb"), record())


@pytest.mark.parametrize("packet_of_theirs", [b"\xff\xfe<\0x\0", b"no packet", FOREIGN + b" " * 65_000])
def test_metadata_that_leave_no_room_stay_as_they_are(packet_of_theirs: bytes) -> None:
    full = with_notes(FILES["jpeg"], "", b"", packet_of_theirs[:65_400])
    with pytest.raises(ContainerError, match=r"no room|leave no room"):
        stamped(full, record())
    kept = with_notes(FILES["png"], "", b"", packet_of_theirs)
    kept = kept.replace(b"iTXt\0\0\0\0\0\0", b"iTXt")
    assert read(stamped(kept, record())) == record()  # a PNG has a text of its own


def as_attribute(text: str, quote: str = '"') -> bytes:
    """The record as programs that write XMP anew may write it."""
    escaped = html.escape(text).replace("\n", "&#10;").replace("f", "&#x66;")
    return f"<rdf:Description xmlns:tlnb='u' tlnb:record = {quote}{escaped}{quote}/>".encode()


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_record_survives_a_program_that_writes_the_packet_anew(quote: str) -> None:
    text = json.dumps(record(request=request("100 % & 'a' \"b\" <c> &copy; fox")).to_json())
    made = with_notes(FILES["jpeg"], "", b"", as_attribute(text, quote))
    assert read(made) == record(request=request("100 % & 'a' \"b\" <c> &copy; fox"))


def test_anothers_record_does_not_stand_in_for_ours() -> None:
    theirs = b"<x><rdf:RDF><tlnb:record>junk</tlnb:record></rdf:RDF></x>"
    made = stamped(with_notes(FILES["jpeg"], "", b"", theirs), record())
    assert read(made) == record()


def test_a_file_that_was_changed_is_no_original() -> None:
    data = FILES["png"]
    made = stamped(data, record(data))
    resaved = with_chunk(b"tEXt", b"Comment\0mine", made)
    assert original(resaved) == resaved
    assert original(data) == data
    assert original(b"no picture") == b"no picture"
    bad = with_chunk(b"tEXt", b"tokenlab_nb\0{}")
    assert original(bad) == bad


def test_no_record_is_none_and_another_tools_is_named() -> None:
    assert read(FILES["png"]) is None
    assert read(foreign("JPEG")) is None
    assert told_of(FILES["webp"]) == "This picture carries no record of how it was made."
    assert "Stable Diffusion WebUI" in told_of(with_chunk(b"tEXt", b"parameters\0fox, Steps: 20"))
    assert "ComfyUI" in told_of(with_chunk(b"tEXt", b"workflow\0{}"))


NESTED = b"[" * 100_000
BOMB = b'<!DOCTYPE x [<!ENTITY a "' + b"x" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'">]>'


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        NESTED,
        b'{"tool": "tokenlab_nb", "format": NaN}',
        b'{"tool": "tokenlab_nb", "format": 1e999}',
        b'{"tool": "tokenlab_nb", "format": ' + b"9" * 5000 + b"}",
        b"__import__('os').system('touch /tmp/pwned')",
    ],
)
@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_hostile_text_is_a_clear_error(kind: str, text: bytes) -> None:
    block = b"<tlnb:record>" + text + b"</tlnb:record>"
    too_long = len(block) > 65_000
    data = with_notes(FILES["webp" if kind == "jpeg" and too_long else kind], KEYWORD, text, BOMB + block)
    with pytest.raises(ImageError, match="The record in this picture is damaged"):
        read(data)


def test_entities_are_not_expanded() -> None:
    data = with_notes(FILES["webp"], "", b"", BOMB + b'<tlnb:record>{"tool": "&b;"}</tlnb:record>')
    with pytest.raises(ImageError, match="names another tool"):
        read(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", FILES["png"][:60], FILES["webp"][:-3], webp((b"XMP ", bytes(2_000_000))), b"\xff\xd8\xff\xe1"],
)
def test_a_file_that_cannot_be_read_is_a_clear_error(data: bytes) -> None:
    with pytest.raises(ImageError, match="Nothing can be read from this picture"):
        read(data)


def test_a_bomb_in_another_text_is_not_unpacked() -> None:
    assert read(packed_png("zTXt")) is None


def test_what_it_adds_is_small() -> None:
    data = encoded(noise(64))
    assert len(stamped(data, record())) - len(data) < 3000
    assert len(encoded(gradient())) > 1000
