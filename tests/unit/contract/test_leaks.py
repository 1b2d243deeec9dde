"""What must not be shared in a text: signed addresses, private paths; keys have a file of their own."""

from __future__ import annotations

import time

import pytest

from tokenlab_nb.contract.leaks import find_leaks, redacted, refuse_leaks
from tokenlab_nb.errors import LeakError

SIGNED = "https://b.example.com/fox.png?X-Amz-Date=20261126T170000Z&X-Amz-Signature=5ecre7"
KEY = "sk-" + "canary" * 3

ADDRESSES = {
    "as it is": SIGNED,
    "in HTML": SIGNED.replace("&", "&amp;"),
    "in JSON": SIGNED.replace("&", "\\u0026"),
    "with brackets": SIGNED.replace("fox", "fox(1)"),
    "in capitals": SIGNED.replace("https", "HTTPS"),
    "signed for TOS": "https://x.example.com/fox.png?X-Tos-Date=20261126T170000Z&X-Tos-Signature=5ecre7",
    "signed for nobody known": "https://x.example.com/fox.png?q-signature=9f86d081884c7d659a2f",
    "with a token": "https://raw.example.com/a/b.png?token=GHSAT0AAAAAACBX7",
    "with a key": "https://api.example.com/v1?q=1&api_key=9f86d081884c7d65",
}
PUBLIC = (
    "https://example.com/fox.png?v=9f86d081884c7d659a2feaa0c55ad015",
    "https://example.com/?token=your-token-here-1234",
    "https://example.com/?key=short",
    "https://[broken/?sig=9f86d081884c7d659a2f",
    "https://example.com/fox.png",
)
MOUNT = "/mnt"
PATHS = {
    "/home/alice/pictures/fox.png": "~/pictures/fox.png",
    "File \x1b[32m/home/alice/m.py:3\x1b[39m": "File \x1b[32m~/m.py:3\x1b[39m",
    "open('/Users/Bob Smith/x')": "open('~ Smith/x')",
    r"C:\Users\carol\x.png": r"~\x.png",
    r"'c:\\Users\\carol\\x.png'": r"'~\\x.png'",
    "C:/Users/carol/x": "C:~/x",
    f"{MOUNT}/c/Users/carol/x": f"{MOUNT}/c~/x",
    "file:///home/alice/x": "file://~/x",
    "'one\\n/home/alice/x'": "'one\\n~/x'",
    "PATH=/usr/bin:/home/alice/bin": "PATH=/usr/bin:~/bin",
    "/root/.cache/x": "~/.cache/x",
}
NO_PATHS = (
    "https://example.com/home/alice/x",
    "see /home/user/x, /home/jovyan/work, /Users/USERNAME/x, /home/<you>/x, /home/{name}/x, /home/.../x",
    r"C:\Users\Public\x and C:\Users\%USERNAME%\x",
    "app.get('/Users/{id}')",
    "my/home/alice/x",
    "the /root of all",
)


@pytest.mark.parametrize("text", ADDRESSES.values(), ids=ADDRESSES)
def test_a_signed_address_is_found_and_shown_without_its_query(text: str):
    (leak,) = find_leaks(f'<img src="{text}">')
    assert leak.kind == "address"
    assert leak.shown == text.partition("?")[0]
    assert redacted(f"({text})", find_leaks(f"({text})")) == f"({leak.shown})"


@pytest.mark.parametrize("text", PUBLIC)
def test_other_addresses_are_no_leaks(text: str):
    assert not find_leaks(text)


@pytest.mark.parametrize(("text", "shared"), PATHS.items())
def test_of_a_private_path_the_private_part_is_found(text: str, shared: str):
    found = find_leaks(text)
    assert [leak.kind for leak in found] == ["path"]
    assert redacted(text, found) == shared


@pytest.mark.parametrize("text", NO_PATHS)
def test_other_paths_are_no_leaks(text: str):
    assert not find_leaks(text)


def test_folders_that_are_named_are_private_too():
    text = r"/srv/data/x /srv/data2/x D:\\work\\x D:\work\x"
    assert redacted(text, find_leaks(text, paths=["/srv/data", r"D:\work"])) == r"~/x /srv/data2/x ~\\x ~\x"


def test_a_path_ends_where_another_leak_begins():
    text = f"/home/alice/{KEY}/x=/home/bob/y:/home/carol"
    found = find_leaks(text)
    assert [leak.kind for leak in found] == ["path", "key", "path", "path"]
    assert redacted(text, found) == "~/sk-.../x=~/y:~"


def test_no_leak_overlaps_another_and_the_longest_counts():
    text = f"/home/alice/data/x {SIGNED}&token={KEY}12345"
    found = find_leaks(text, paths=["/home/alice/data"])
    assert [(leak.kind, text[leak.start : leak.end].partition("?")[0]) for leak in found] == [
        ("path", "/home/alice/data/x"),
        ("address", SIGNED.partition("?")[0]),
    ]


def test_pictures_in_base64_are_passed_over_and_what_stands_around_them_is_not():
    picture = "data:image/png;base64," + "AKIA" * 100
    text = f'{KEY} <img src="{picture}"> {KEY}'
    assert [text[leak.start : leak.end] for leak in find_leaks(text)] == [KEY, KEY]
    assert not find_leaks("AKIAQW3ERT5YUI7OP9AS/" * 300)


def test_what_holds_a_leak_is_refused_and_the_message_does_not_repeat_it():
    with pytest.raises(LeakError, match=r"The page would hold a key \(sk-...\), a signed address") as caught:
        refuse_leaks(f"{KEY} {KEY} {SIGNED} /home/alice/x", "The page")
    assert "canary" not in str(caught.value)
    assert "5ecre7" not in str(caught.value)
    assert "alice" not in str(caught.value)
    refuse_leaks("/home/alice/x", "The page")
    with pytest.raises(LeakError, match="a path of this machine"):
        refuse_leaks("/home/alice/x", "The page", kinds=["path"])


@pytest.mark.parametrize(
    "text",
    [
        "a" * 500_000,
        "sk-" * 150_000,
        "api_key " * 50_000,
        "https://" * 50_000,
        "/home/" * 80_000,
        "-----BEGIN " * 40_000,
        "://a:" * 80_000,
        "eyJ" * 150_000,
        "A+/ " * 120_000 + "!",
        ";base64,AAAA" * 40_000,
        "https://a?" + "sig" * 150_000,
        "https://a?key=" * 30_000,
    ],
    ids=lambda text: text[:8],
)
def test_no_text_is_slow(text: str):
    began = time.process_time()
    find_leaks(text)
    assert time.process_time() - began < 5  # a search that goes over it again and again would take minutes


def test_a_signed_address_is_found_in_json_that_escapes_slashes():
    text = f'{{"url": "{SIGNED}"}}'.replace("/", "\\/")
    assert redacted(text, find_leaks(text)) == '{"url": "https://b.example.com/fox.png"}'


def test_many_words_and_paths_are_no_base64():
    for leak in ("/home/alice/pictures", "AKIA" + "QW3ERT5YUI7OP9AS"):
        lines = "\n".join([*(f"word {n}" for n in range(1000)), leak])
        assert len(find_leaks(lines)) == 1
    assert not find_leaks("\n".join(["AKIAQW3ERT5YUI7OP9AS".ljust(76, "a")] * 100 + ["aaaa=="]))
