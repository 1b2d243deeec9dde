"""Hosts on which no reference may lie, in every spelling, by the sandbox's own reading."""

from __future__ import annotations

import pytest

from tokenlab_nb.sandbox.addresses import is_private
from tokenlab_nb.sandbox.refusals import Refusal
from tokenlab_nb.sandbox.sources import Source, check_url

PRIVATE = [
    # IPv4 in every spelling
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "0X7F.1", "0x7f000001", "017700000001",
    "2130706433", "0", "0.0.0.0", "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\uff0e1", "\u2460\u2461\u2466.0.0.1",
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1", "169.254.169.254", "0xa9fea9fe", "100.64.0.1",
    "100.100.100.200", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    # IPv6, and IPv4 inside it
    "::1", "::", "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff0e::1",
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::",
    "2001:0:53aa:64c::1", "2606:4700::5efe:a00:1", "2606:4700::200:5efe:a00:1", "2001:db8::1", "3fff::1", "100::1",
    "1::2::3",
    # names
    "localhost", "LOCALHOST.", "sub.localhost", "loc\u00adalhost", "\uff4cocalhost", "localhost.localdomain",
    "nas.local",
    "metadata.google.internal", "router.home.arpa", "nas.lan", "wiki.corp", "a.intranet", "x.test", "x.onion",
    "intranet",
    # unreadable
    "", ".", "a..b", "256.256.256.256", "1.2.3.4.5", "1.2.3.08", "4294967296", "exa mple.com", "%31.0.0.1",
    "127.0.0.\u0661", "x.0x1g", "a" * 64 + ".com", "example.com..",
]  # fmt: skip
PUBLIC = [
    "example.com", "EXAMPLE.com.", "cdn.example.com", "a-b.example.co.uk", "xn--bcher-kva.example.com",
    "b\u00fccher.example.com", "8.8.8.8", "8.8.2056", "134744072", "1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1",
    "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888", "2606:4700::ffff:5efe",
    "localhost.example.com", "notlocal.net", "127.0.0.1.nip.io",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_what_is_not_public_is_refused(host: str) -> None:
    assert is_private(host)


@pytest.mark.parametrize("host", PUBLIC)
def test_what_is_public_is_not(host: str) -> None:
    assert not is_private(host)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com\\@127.0.0.1/x",
        "https:\\\\example.com/x",
        "https://example.com/\n",
        " https://example.com/x",
        "https://example.com:0/x",
        "https://example.com:99999/x",
        "https://[v1.example.com]/x",
        "https://example.com/x#",
        "http:///x",
        "http:example.com",
        "https://@example.com/x",
        "http://[fd00:ec2::254]/latest",
        "http://[2606:4700::1%25eth0]/x",
    ],
)
def test_what_readers_read_differently_is_refused(url: str) -> None:
    with pytest.raises(Refusal):
        check_url(Source("image_url", url=url))
