"""Where we fetch: the address that was checked is the one that is connected to, at every hop; no secret shows.

Names are resolved by a table; the transport shows what was asked of which address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import httpx
import pytest

from tests.unit.api.test_client import API, Wire
from tests.unit.api.test_download import IMAGE, LOCAL, URL, picture, redirects
from tests.unit.pictures import PNG
from tokenlab_nb.api import reach
from tokenlab_nb.api.reach import ask_system
from tokenlab_nb.api.replies import Fetched
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ImageError, TokenLabError, TransportError, ValidationError
from tokenlab_nb.settings import Timeouts

PUBLIC, OTHER, V6 = "93.184.216.34", "93.184.216.35", "2606:4700::1"
UMLAUT, ASCII = "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example.com", "xn--bcher-kva.example.com"
SECRET = "5ecre7"
PRIVATE = [
    *("10.0.0.1", "127.0.0.1", "::1", "fe80::1%eth0", "169.254.169.254", "::ffff:10.0.0.1", "100.64.0.1"),
    *("64:ff9b::a00:1", "2002:7f00:1::1", "2001:0:1::1", "fd00:ec2::254", "0.0.0.0", "224.0.0.1", "192.0.2.1"),
]

Names = dict[str, Any]


class Resolver:
    """Hosts by name; a list of lists is one answer after the other, the last one again and again."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        found = self.names.get(host, OSError("Name or service not known"))
        if found and isinstance(found, list) and isinstance(found[0], list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, Exception):
            raise found
        if callable(found):
            await found()
        return found


class Net(Wire):
    """A network whose names are told by a table."""

    def __init__(self, names: Names, handler: Callable[[httpx.Request], httpx.Response] = picture) -> None:
        super().__init__(handler=handler)
        self.resolver = Resolver(names)

    def download(self, url: str = URL, base_url: str = API, **options: Any) -> bytes:
        return self.use(lambda client: client.download(url), base_url=base_url, resolve=self.resolver, **options)

    def reference(self, url: str, base_url: str = API, **options: Any) -> Fetched:
        return self.use(lambda client: client.fetch_reference(url), base_url=base_url, resolve=self.resolver, **options)

    def check(self, *urls: str, mask: str | None = None, base_url: str = API, resolves: bool = True) -> str:
        references = tuple(Source(url=url) for url in urls)
        asked = ImageRequest(
            *("m", "image-edit", "/v1/images/edits", {"prompt": "x"}),
            references=(*references, Source(file_id="file-1")),
            mask=Source(url=mask) if mask else None,
        )
        resolve = self.resolver if resolves else None
        return self.use(lambda client: client.check_hosts(asked), base_url=base_url, resolve=resolve)

    @property
    def connected(self) -> list[str]:
        return [request.url.host for request in self.requests]


# ------------------------------------------------------------------------------------------------- what is connected to


@pytest.mark.parametrize(
    ("url", "address", "target", "host", "name"),
    [
        (URL, PUBLIC, f"https://{PUBLIC}/1.png", "cdn.example.com", "cdn.example.com"),
        (f"{URL[:23]}:8443/1?a=b", V6, f"https://[{V6}]:8443/1?a=b", "cdn.example.com:8443", "cdn.example.com"),
        (f"https://{UMLAUT}/1", PUBLIC, f"https://{PUBLIC}/1", ASCII, ASCII),
        ("http://CDN.example.com/1", PUBLIC, f"http://{PUBLIC}/1", "cdn.example.com", "cdn.example.com"),
    ],
)
def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    url: str, address: str, target: str, host: str, name: str
) -> None:
    net = Net({"cdn.example.com": [address], ASCII: [address]})
    assert net.download(url) == PNG
    assert (str(net.last.url), net.last.headers["Host"], net.last.extensions["sni_hostname"]) == (target, host, name)
    assert "Authorization" not in net.last.headers
    assert net.resolver.asked == [(name, httpx.URL(target).port or (443 if url.startswith("https") else 80))]


@pytest.mark.parametrize(("url", "at"), [("https://8.8.8.8/1", "8.8.8.8"), ("http://134744072/1", "8.8.8.8")])
def test_a_literal_is_read_by_us_alone(url: str, at: str) -> None:
    net = Net({})
    assert net.download(url) == PNG
    assert (net.connected, net.resolver.asked) == ([at], [])


@pytest.mark.parametrize("address", PRIVATE)
def test_a_public_name_with_a_private_address_is_refused(address: str) -> None:
    net = Net({"cdn.example.com": [PUBLIC, address]})
    for fetch in (net.download, net.reference):
        with pytest.raises(ImageError, match=r"host cdn\.example\.com is refused"):
            fetch(URL)
    assert not net.requests


def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    net = Net({"cdn.example.com": [[PUBLIC], ["10.0.0.1"]]})
    assert net.download() == PNG
    assert net.connected == [PUBLIC]
    assert len(net.resolver.asked) == 1
    again = Net({"cdn.example.com": [[PUBLIC], ["10.0.0.1"]]}, redirects("/again"))
    with pytest.raises(ImageError, match=r"is refused\. 10\.0\.0\.1 is a private"):
        again.download()
    assert again.connected == [PUBLIC]


def test_an_address_that_no_way_leads_to_is_followed_by_the_next() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.host == V6:
            raise httpx.ConnectError("No route to host")
        return picture(request)

    net = Net({"cdn.example.com": [V6, V6, PUBLIC]}, handle)
    assert net.download() == PNG
    assert net.connected == [V6, PUBLIC]
    with pytest.raises(TransportError, match=r"cdn\.example\.com/1\.png was not fetched \(ConnectError"):
        Net({"cdn.example.com": [V6]}, handle).download()


@pytest.mark.parametrize(
    "said", [OSError("Name or service not known"), UnicodeError("label too long"), []], ids=["unknown", "odd", "empty"]
)
def test_a_name_that_nobody_knows_may_be_known_later(said: Any) -> None:
    with pytest.raises(TransportError, match=r"host cdn\.example\.com is not known here"):
        Net({"cdn.example.com": said}).download()


def test_the_apis_own_pictures_need_no_second_look() -> None:
    net = Net({})
    assert net.download(f"{API}/1.png") == PNG
    assert net.reference(f"{API.upper()}/1.png").data == PNG
    assert net.download(f"{LOCAL}/1.png", LOCAL) == PNG
    assert net.reference(f"{LOCAL}/1.png", LOCAL).data == PNG
    assert not net.resolver.asked


def test_an_api_on_this_machine_makes_no_other_private_host_a_reference() -> None:
    net = Net({"inside.example.com": ["10.0.0.1"]})
    assert net.download("http://10.0.0.1/1.png", LOCAL) == PNG
    hosts = ("10.0.0.1", "127.0.0.1:9", "localhost", "inside.example.com")
    for url in (f"http://{host}/1.png" for host in hosts):
        with pytest.raises(ImageError, match="is refused"):
            net.reference(url, LOCAL)
    assert len(net.requests) == 1


def test_a_name_that_a_proxy_made_up_says_so() -> None:
    with pytest.raises(ImageError, match="Some proxies answer so for every name"):
        Net({"cdn.example.com": ["198.18.0.7"]}).download()


# ------------------------------------------------------------------------------------------------- redirects


def test_every_hop_is_looked_up_and_nothing_goes_along() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.headers["Host"] == "cdn.example.com":
            headers = {"Location": "https://b.example.com/2.png?x#part", "Set-Cookie": "a=b; Path=/"}
            return httpx.Response(302, headers=headers)
        return picture(request)

    net = Net({"cdn.example.com": [PUBLIC], "b.example.com": [PUBLIC]}, handle)
    assert net.reference(f"{URL}?sig={SECRET}") == Fetched(PNG, "https://b.example.com/2.png", 1)
    first, second = net.requests
    assert [each.headers["Host"] for each in net.requests] == ["cdn.example.com", "b.example.com"]
    assert [each.extensions["sni_hostname"] for each in net.requests] == ["cdn.example.com", "b.example.com"]
    assert str(second.url) == f"https://{PUBLIC}/2.png?x"
    assert not {"cookie", "authorization", "referer"} & {*second.headers}
    assert first.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("https://127.0.0.1/x", "127.0.0.1 is a private"),
        ("https://[::ffff:7f00:1]/x", "127.0.0.1 is a private"),
        ("https://2130706433/x", "127.0.0.1 is a private"),
        ("https://metadata.internal/x", "private network"),
        ("https://inside.example.com/x", "host inside.example.com is refused"),
        ("//inside.example.com/x", "host inside.example.com is refused"),
        ("https://me:pw@cdn.example.com/x", "user name or password"),
        ("file:///etc/passwd", "not file"),
        ("http://cdn.example.com/x", "from https to http"),
        ("http://127.0.0.1/x", "from https to http"),
        ("https://cdn.example.com:0/x", "not a readable address"),
        ("https://cdn.example.com\\@127.0.0.1/x", "backslash"),
    ],
)
@pytest.mark.parametrize("way", ["download", "reference"])
def test_a_redirect_to_where_no_picture_may_lie_is_refused(way: str, location: str, why: str) -> None:
    net = Net({"cdn.example.com": [PUBLIC], "inside.example.com": ["10.0.0.1"]}, redirects(location))
    with pytest.raises(ImageError) as caught:
        getattr(net, way)(URL)
    assert why in str(caught.value)
    assert net.connected == [PUBLIC]


@pytest.mark.parametrize(
    "location", ["2.png", "/2.png", "https://cdn.example.com/2.png", "?v=2", "http://b.example.com/"]
)
def test_a_relative_redirect_and_one_from_http_are_followed(location: str) -> None:
    names = {"cdn.example.com": [PUBLIC], "b.example.com": [OTHER]}
    start = URL.replace("https", "http") if location.startswith("http:") else URL
    assert Net(names, redirects(location)).reference(start).redirects == 1


def test_an_api_without_https_may_be_where_a_redirect_leads() -> None:
    net = Net({"cdn.example.com": [PUBLIC]}, redirects(f"{LOCAL}/2.png"))
    assert net.download(URL, LOCAL) == PNG


def test_a_fourth_redirect_is_too_much() -> None:
    names = {"cdn.example.com": [PUBLIC]}
    assert Net(names, redirects(*["/again"] * 3)).reference(URL).redirects == 3
    net = Net(names, redirects(*["/again"] * 4))
    with pytest.raises(ImageError, match="redirects more than 3 times"):
        net.reference(URL)
    assert len(net.resolver.asked) == 4


# ------------------------------------------------------------------------------------------------- references


def test_only_the_bytes_of_a_reference_say_what_it_is() -> None:
    names = {"cdn.example.com": [PUBLIC]}
    page = Net(names, lambda _: httpx.Response(200, content=PNG, headers={"Content-Type": "text/html"}))
    assert page.reference(URL).data == PNG
    with pytest.raises(ImageError, match="answered with text/html, not a picture"):
        page.download()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(200, content=b"", headers={**IMAGE, "Content-Length": "50000001"}), ImageError),
        (httpx.Response(403), ImageError),
        (httpx.Response(503), TransportError),
    ],
)
def test_what_is_said_of_a_reference_is_nothing_about_a_job(answer: httpx.Response, kind: type[TokenLabError]) -> None:
    with pytest.raises(kind) as caught:
        Net({"cdn.example.com": [PUBLIC]}, lambda _: answer).reference(URL)
    assert "job" not in str(caught.value)
    assert "paid" not in str(caught.value)


def test_no_failure_repeats_a_signature() -> None:
    names = {"cdn.example.com": [PUBLIC], "inside.example.com": ["10.0.0.1"]}
    signed = f"{URL}?sig={SECRET}&se=x"

    def cut(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    trials = [
        Net(names, cut),
        Net({}),
        Net(names, redirects(f"http://cdn.example.com/2?sig={SECRET}")),
        Net(names, redirects(f"https://inside.example.com/2?sig={SECRET}")),
        Net(names, redirects(*[f"?sig={SECRET}"] * 4)),
        Net(names, lambda _: httpx.Response(404)),
    ]
    for net in trials:
        with pytest.raises(TokenLabError) as caught:
            net.reference(signed)
        assert SECRET not in str(caught.value)


def test_a_reference_has_the_time_that_the_service_gives_it() -> None:
    assert reach.REFERENCE.seconds == 30
    net = Net({"cdn.example.com": anyio.sleep_forever})
    with pytest.raises(TransportError, match="was not fetched \\(TimeoutError"):
        net.reference(URL, timeouts=Timeouts(download=0.01))


# ------------------------------------------------------------------------------------------------- before a create


NAMES: Names = {
    "cdn.example.com": [PUBLIC],
    "b.example.com": [OTHER, V6],
    "inside.example.com": ["10.0.0.1"],
    "mixed.example.com": [PUBLIC, "::1"],
    "proxied.example.com": ["198.18.0.1"],
}


def test_references_on_public_hosts_go_their_way() -> None:
    net = Net(NAMES)
    assert net.check() == ""
    assert (
        net.check(URL, f"{URL}?again", f"{API}/own.png", "https://8.8.8.8/1", mask="https://b.example.com/m.png") == ""
    )
    assert sorted(net.resolver.asked) == [("b.example.com", 443), ("cdn.example.com", 443)]
    assert not net.requests


@pytest.mark.parametrize(
    ("urls", "field"),
    [
        ([URL, "https://inside.example.com/1"], "references[1]"),
        (["https://mixed.example.com/1", URL], "references[0]"),
        (["http://proxied.example.com/1"], "references[0]"),
        ([URL, "https://10.0.0.1/1"], "references[1]"),
        (["https://localhost/1"], "references[0]"),
        ([URL], "mask"),
    ],
)
def test_a_reference_on_a_private_host_is_refused_before_it_is_sent(urls: list[str], field: str) -> None:
    signed = [f"{url}?sig={SECRET}" for url in urls]
    with pytest.raises(ValidationError) as caught:
        Net(NAMES).check(*signed, mask=f"https://inside.example.com/m?sig={SECRET}" if field == "mask" else None)
    (issue,) = caught.value.issues
    assert issue.field == field
    assert "cannot be used" in issue.message
    assert caught.value.message.startswith(field)
    assert "hand in the file itself" in caught.value.hint
    assert SECRET not in str(caught.value) + issue.message
    assert ("Some proxies" in issue.message) is ("proxied" in urls[0])


def test_a_host_that_is_not_known_from_here_is_a_note() -> None:
    note = Net(NAMES).check("https://x.example.com/1", URL, "https://a.example.com/1", "https://a.example.com/2")
    assert note == (
        "Not known from here: a.example.com, x.example.com. The service fetches the picture, and may know it."
    )
    assert "\N{SNOWMAN}" in Net(NAMES).check("https://\N{SNOWMAN}.example.com/1")  # what httpx reads as no name


def test_a_resolver_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_LOOK_UP_SECONDS", 0.01)
    note = Net({**NAMES, "slow.example.com": anyio.sleep_forever}).check(URL, "https://slow.example.com/1")
    assert note.startswith("Not known from here: ")
    assert "slow.example.com" in note


def test_without_a_network_names_are_not_looked_up_but_read() -> None:
    net = Net({})
    assert net.check("https://inside.example.com/1", resolves=False) == ""
    with pytest.raises(ValidationError, match="private network"):
        net.check("https://wiki.corp/1", resolves=False)
    assert net.check(f"{LOCAL}/1", base_url=LOCAL) == ""


def test_this_machine_is_the_resolver_of_old() -> None:
    assert "127.0.0.1" in anyio.run(ask_system, "127.0.0.1", 80)
