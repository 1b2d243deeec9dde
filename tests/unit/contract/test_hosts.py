"""Which addresses may be fetched: every spelling of a private one is refused."""

from __future__ import annotations

import pytest

from tokenlab_nb.contract.hosts import address_problem, host_problem, literal, url_problem

_REFUSED_HOSTS = [
    # loopback and "this host", in every spelling that a resolver takes
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "0X7F.0.0.1", "0x7f.1", "0x7f000001",
    "017700000001", "2130706433", "127.255.255.254", "0.0.0.0", "0", "0x", "0x.0x.0x.0x", "00.0.0.0",
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11", "127\u30020\u30020\u30021", "\u2460\u2461\u2466.0.0.1",
    # private, link-local, carrier, test, multicast and reserved IPv4
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.1", "169.254.169.254",
    "0xa9fea9fe", "2852039166", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    # IPv6: loopback, unspecified, local, reserved, and IPv4 inside it
    "::1", "[::1]", "::", "0:0:0:0:0:0:0:1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::127.0.0.1", "::10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::", "2002:c0a8:101::1", "2001:0:53aa:64c::1", "2001:db8::1",
    "100::1", "4000::1",
    # what the registries reserve beside that, in every version of Python; clouds that answer their own machines
    "192.0.0.9", "192.0.0.192", "192.88.99.1", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "2001:1::1",
    "2001:2::1", "2001:10::1", "2001:20::1", "2001:4:112::1", "3fff::1", "5f00::1", "ff0e::1", "ff05::2",
    # Teredo, ISATAP, 6to4, NAT64, mapped and compatible, around private and around public addresses
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001::808:808", "2606:4700::5efe:a00:1", "2606:4700::200:5efe:808:808",
    "fe80::5efe:c0a8:101", "2002:a9fe:a9fe::", "2002:e000:1::", "2002:808:808::5efe:a00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b::e000:1", "64:ff9b:1::808:808", "64:ff9b:1:ffff::8.8.8.8", "::ffff:0:8.8.8.8", "::8.8.8.8",
    "::ffff:100.64.0.1", "::ffff:192.88.99.1", "[::ffff:a9fe:a9fe]",
    # zones and brackets, and digits of other scripts at the end
    "2606:4700:4700::1111%eth0", "2606:4700:4700::1111%25eth0", "[8.8.8.8]", "[::1", "::1]", "[example.com]",
    "127.0.0.\u0661", "127.0.0.xn--9hb", "\u0661\u0662\u0667.0.0.\u0661", "example.xn--\xa0", "a.xn--a-\u20ac",
    # names of private networks
    "localhost", "LOCALHOST", "localhost.", "sub.localhost", "loc\u00adalhost", "\uff4cocalhost",
    "localhost.localdomain",
    "printer.local", "nas.lan", "router.home.arpa", "wiki.corp", "git.intranet", "metadata.google.internal",
    "x.private", "intranet", "a", "metadata", "some.test", "no.invalid", "hidden.onion", "site.example",
    "web.default.svc", "exchange.mail", "x.alt", "LOCALHOST.LOCALDOMAIN.", "a.home", "nas.home.arpa.",
    "foo.LAN", "host.docker.internal", "instance-data",
    # not readable as a public name
    "", ".", "..", "a..b", "example.com..", "localhost..", ".example.com", "127.0.0.1..", "example.1",
    "a" * 64 + ".com",
    "xn--a\x80.com", "example.xn--\ufffd", "example.xn--99999999",
    "256.256.256.256", "1.2.3.4.5", "1.2.3.08", "127.0.0.1_", "x.0x1g",
    "example.com\\.evil.net",
    "exa mple.com", "example.com%00", "%31%32%37.0.0.1", "-.\uff11", "a" * 300 + ".com", "é" * 70 + ".com",
    "4294967296",
]  # fmt: skip
_PUBLIC_HOSTS = [
    "example.com", "EXAMPLE.com", "example.com.", "cdn.example.com", "a-b.example.co.uk", "under_score.example.org",
    "xn--bcher-kva.example.com", "bücher.example.com", "8.8.8.8", "8.8.2056", "1.1", "134744072", "172.15.255.255",
    "172.32.0.1", "192.169.0.1", "100.63.255.255", "2606:4700:4700::1111", "[2001:4860:4860::8888]",
    "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "127.0.0.1.nip.io", "localhost.example.com",
    "notlocal.net", "1password.com", "0x.org", "xn--80ak6aa92e.com", "example.xn--p1ai", "例え.テスト例.jp",
    "example\u3002com", "\uff45xample.com", "mail.example.com", "a.svc.example.com", "myhome.net", "100.128.0.1",
    "198.17.255.255", "198.20.0.1", "223.255.255.255", "168.63.129.17", "192.0.1.1", "2a00:1450:4001:81b::200e",
    "2001:200::1", "2400:cb00:2048:1::6814:1", "2606:4700::ffff:5efe", "a" * 63 + ".com",
]  # fmt: skip


def test_the_table_is_long_enough() -> None:
    assert len(set(_REFUSED_HOSTS)) >= 90
    assert len(set(_PUBLIC_HOSTS)) >= 40


@pytest.mark.parametrize("host", _REFUSED_HOSTS)
def test_private_and_odd_hosts_are_refused_with_a_sentence(host: str) -> None:
    problem = host_problem(host)
    assert problem.endswith(".")


@pytest.mark.parametrize("host", _PUBLIC_HOSTS)
def test_public_hosts_are_allowed(host: str) -> None:
    assert host_problem(host) == ""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.com/x", "not ftp"),
        ("file:///etc/passwd", "not file"),
        ("data:image/png;base64,AAAA", "not data"),
        ("javascript:alert(1)", "not javascript"),
        ("example.com/x.png", "a bare name"),
        ("//example.com/x.png", "a bare name"),
        ("", "a bare name"),
        ("https://", "no host"),
        ("https:///x.png", "no host"),
        ("https:example.com", "no host"),
        ("https://user@example.com/x", "user name or password"),
        ("https://user:secret@example.com/x", "user name or password"),
        ("https://:@example.com/x", "user name or password"),
        ("https://@example.com/x", "user name or password"),
        ("https://example.com\\@127.0.0.1/x", "backslash"),
        ("https://example.com/x.png#part", "#fragment"),
        ("https://example.com/x.png#", "#fragment"),
        ("https://127.0.0.1/x", "private, local or reserved"),
        ("https://127.0.0.1:443/x", "private, local or reserved"),
        ("HTTP://[::1]/x", "private, local or reserved"),
        ("http://[fe80::1%25eth0]/x", "private, local or reserved"),
        ("http://2130706433/", "private, local or reserved"),
        ("https://localhost/x", "private network"),
        ("https://127.0.0.1\\.example.com/x", "backslash"),
        ("http:\\\\127.0.0.1/x", "backslash"),
        ("https:/\\127.0.0.1/x", "backslash"),
        ("http:///127.0.0.1/x", "no host"),
        ("http:127.0.0.1/x", "no host"),
        ("http:/127.0.0.1/x", "no host"),
        ("https://example.com:0/x", "not a readable address"),
        ("https://example.com:-1/x", "not a readable address"),
        ("https://example.com:+80/x", "not a readable address"),
        ("https://example.com:8_0/x", "not a readable address"),
        ("https://example.com:\uff18\uff10/x", "not a readable address"),
        ("https://example.com:80:80/x", "not a readable address"),
        ("https://[v1.example.com]/x", "not a readable address"),
        ("https://[8.8.8.8]/x", "not a readable address"),
        ("https://[2606:4700::1111%25eth0]/x", "zone (%)"),
        ("https://127.0.0.1%2f@example.com/x", "user name or password"),
        ("https://exa%6dple.com/x", "not a readable name"),
        ("https://example.com;@127.0.0.1/x", "user name or password"),
        ("https://example.com/\x85.png", "line break"),
        ("https://example.com/\u202egnp.exe", "line break"),
        ("http://169.254.169.254/latest/meta-data", "private, local or reserved"),
        ("http://[fd00:ec2::254]/latest/meta-data", "private, local or reserved"),
        ("gopher://example.com/x", "not gopher"),
        ("ws://example.com/x", "not ws"),
        ("https://exam\nple.com/x", "line break"),
        ("https://example.com/x\t.png", "line break"),
        ("https://example.com/\x00", "line break"),
        (" https://example.com/x", "space at its end"),
        ("https://example.com/x\n", "space at its end"),
        ("https://example.com:99999/x", "not a readable address"),
        ("https://example.com:x/x", "not a readable address"),
        ("https://[::1/x", "not a readable address"),
        ("https://exa\u2100mple.com/x", "not a readable address"),
    ],
)
def test_addresses_that_are_refused_say_why(url: str, why: str) -> None:
    assert why in url_problem(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png",
        "http://example.com:8080/a.png?signature=x%20y",
        "HTTPS://EXAMPLE.COM/A.PNG",
        "https://example.com/a b.png",
        "https://8.8.8.8/a.png",
    ],
)
def test_public_addresses_are_allowed(url: str) -> None:
    assert url_problem(url) == ""


def test_the_api_s_own_pictures_are_allowed_on_its_own_origin_only() -> None:
    own = "http://127.0.0.1:8765"
    assert url_problem("http://127.0.0.1:8765/files/a.png", trusted_origin=own) == ""
    for other in (
        *("http://127.0.0.1:8766/a", "https://127.0.0.1:8765/a", "http://127.0.0.1/a", "http://u@127.0.0.1:8765/a"),
        *("http://127.0.0.1:8765/a#b", "http://127.0.0.1:8765@10.0.0.1/a"),
    ):
        assert url_problem(other, trusted_origin=own)


def test_a_name_is_no_literal_and_a_literal_keeps_its_value() -> None:
    assert literal("example.com") is None
    assert literal("1.2.3.4.5") is None
    assert literal("1.2.3.256") is None
    assert str(literal("0x7f.1")) == "127.0.0.1"
    assert str(literal("[::1]")) == "::1"


def test_an_address_inside_an_address_is_judged() -> None:
    inner = literal("64:ff9b::a00:1")
    assert inner is not None
    assert "10.0.0.1" in address_problem(inner)
