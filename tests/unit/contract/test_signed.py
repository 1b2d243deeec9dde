"""Signed addresses: whose they are, until when they work, and that nothing we say repeats the signature."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest

from tokenlab_nb.contract.signed import LEAST_SECONDS, Signed, read_signed, shown, url_issue

END = datetime(2026, 11, 26, 18, 0, tzinfo=UTC).timestamp()
NOW = END - 12 * 60
SECRET = "5ecre7"
AT = "https://pictures.example.com/fox.png"
S3, GCS, AZURE, FRONT = "Amazon S3", "Google Cloud Storage", "Azure Storage", "Amazon CloudFront"
OSS, COS, DISCORD = "Alibaba Cloud OSS", "Tencent Cloud COS", "Discord"


def policy(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return b64encode(text.encode()).decode().translate(str.maketrans("+=/", "-_~"))


def until(seconds: object) -> str:
    return policy({"Statement": [{"Resource": AT, "Condition": {"DateLessThan": {"AWS:EpochTime": seconds}}}]})


SIGNED: list[tuple[str, str, float | None]] = [
    (f"X-Tos-Date=20261126T170000Z&X-Tos-Expires=3600&X-Tos-Signature={SECRET}", "Volcano Engine TOS", END),
    # version 4 of S3 and what speaks like it
    (f"X-Amz-Date=20261126T170000Z&X-Amz-Expires=3600&X-Amz-Signature={SECRET}", S3, END),
    (f"x-amz-date=20261126T170000Z&x-amz-expires=3600&x-amz-signature={SECRET}", S3, END),
    (f"X-Amz-Signature={SECRET}&X-Amz-Expires=3600", S3, None),
    (f"X-Amz-Signature={SECRET}&X-Amz-Date=20261126T170000Z", S3, None),
    (f"X-Amz-Signature={SECRET}&X-Amz-Date=yesterday&X-Amz-Expires=3600", S3, None),
    (f"X-Amz-Signature={SECRET}&X-Amz-Date=20261126T170000Z&X-Amz-Expires=-1", S3, None),
    (f"X-Amz-Signature={SECRET}&X-Amz-Date=99991231T235900Z&X-Amz-Expires=3600", S3, None),
    (f"X-Amz-Date=20261126T170000Z&X-Amz-Expires=3600&X-Amz-Signature={SECRET}&X-Amz-Expires=9", S3, END),
    # version 2
    (f"AWSAccessKeyId=AKIA&Signature={SECRET}&Expires={END:.0f}", S3, END),
    (f"awsaccesskeyid=AKIA&signature={SECRET}", S3, None),
    (f"X-Goog-Date=20261126T170000Z&X-Goog-Expires=3600&X-Goog-Signature={SECRET}", GCS, END),
    (f"GoogleAccessId=a%40b.c&Signature={SECRET}&Expires={END:.0f}", GCS, END),
    (f"GoogleAccessId=a%40b.c&Signature={SECRET}&Expires={END:.0f}000", GCS, None),
    (f"GoogleAccessId=a%40b.c&Signature={SECRET}&Expires=0x1", GCS, None),
    (f"GoogleAccessId=a%40b.c&Signature={SECRET}&Expires=%D9%A1", GCS, None),
    # a shared access signature
    (f"sv=2024-11-04&st=2026-11-26T17%3A00%3A00Z&se=2026-11-26T18%3A00%3A00Z&sr=b&sp=r&sig={SECRET}", AZURE, END),
    (f"sv=2024-11-04&se=2026-11-26T18:00Z&sig={SECRET}", AZURE, END),
    (f"sv=2024-11-04&se=2026-11-26T20:00:00.5%2B02:00&sig={SECRET}", AZURE, END),
    (f"sv=2024-11-04&se=2026-11-27&SIG={SECRET}", AZURE, END + 6 * 3600),
    (f"sv=2024-11-04&se=never&sig={SECRET}", AZURE, None),
    (f"sv=2024-11-04&se=9999-12-31T23:59-12:00&sig={SECRET}", AZURE, None),
    (f"sv=2024-11-04&si=kept-policy&sig={SECRET}", AZURE, None),
    # canned and custom policies
    (f"Expires={END:.0f}&Signature={SECRET}&Key-Pair-Id=K2", FRONT, END),
    (f"Policy={until(int(END))}&Signature={SECRET}&Key-Pair-Id=K2", FRONT, END),
    (f"Policy={until('soon')}&Signature={SECRET}&Key-Pair-Id=K2", FRONT, None),
    (f"Policy={policy({'Statement': []})}&Signature={SECRET}&Key-Pair-Id=K2", FRONT, None),
    (f"Policy={policy([])}&Signature={SECRET}&Key-Pair-Id=K2", FRONT, None),
    (f"Policy={policy('no json')}&Signature={SECRET}&Key-Pair-Id=K2", FRONT, None),
    (f"Policy={policy('[' * 100_000)}&Signature={SECRET}&Key-Pair-Id=K2", FRONT, None),
    (f"Policy=%C3%A9&Signature={SECRET}&Key-Pair-Id=K2", FRONT, None),
    # others
    (f"x-oss-date=20261126T170000Z&x-oss-expires=3600&x-oss-signature={SECRET}", OSS, END),
    (f"OSSAccessKeyId=L&Expires={END:.0f}&Signature={SECRET}", OSS, END),
    (f"q-sign-algorithm=sha1&q-sign-time=1;{END:.0f}&q-signature={SECRET}", COS, END),
    (f"q-sign-time=nonsense&q-signature={SECRET}", COS, None),
]

IDS = [f"{row[1]}-{place}" for place, row in enumerate(SIGNED)]


@pytest.mark.parametrize(("query", "kind", "expires_at"), SIGNED, ids=IDS)
def test_a_signed_address_is_recognised(query: str, kind: str, expires_at: float | None) -> None:
    assert read_signed(f"{AT}?{query}") == Signed(kind, expires_at)


@pytest.mark.parametrize("host", ["cdn.discordapp.com", "MEDIA.discordapp.net:443"])
def test_an_attachment_counts_in_hex_and_only_on_its_own_host(host: str) -> None:
    query = f"ex={int(END):x}&is=6&hm={SECRET}"
    assert read_signed(f"https://{host}/attachments/1/2/fox.png?{query}") == Signed(DISCORD, END)
    assert read_signed(f"{AT}?{query}") is None
    assert read_signed(f"https://notdiscordapp.com/1?{query}") is None


@pytest.mark.parametrize(
    "url",
    [
        AT,
        f"{AT}?v=2",
        f"{AT}?Expires={END:.0f}",
        f"{AT}?signature=mine&expires=1",
        f"{AT}?sig=mine",
        f"{AT}?Key-Pair-Id=K&Signature=x",
        f"{AT}#X-Amz-Signature=x",
        "https://[::1",
        "",
    ],
)
def test_any_other_address_is_not(url: str) -> None:
    assert read_signed(url) is None
    assert url_issue("references[0]", url, NOW) is None


def signed(seconds: float) -> str:
    return f"{AT}?AWSAccessKeyId=AKIA&Signature={SECRET}&Expires={seconds:.0f}"


@pytest.mark.parametrize(
    ("left", "severity", "said"),
    [
        (12 * 60, "warning", "it expires 2026-11-26 18:00 UTC, in 12 minutes."),
        (61, "warning", "it expires 2026-11-26 18:00 UTC, in 1 minute."),
        (3600, "warning", "in 1 hour."),
        (3 * 86400, "warning", "in 3 days."),
        (60, "error", "expires in 1 minute, perhaps before it is fetched (2026-11-26 18:00 UTC)."),
        (1.5, "error", "expires in 1 second, perhaps"),
        (0.5, "error", "expires in 0 seconds, perhaps"),
        (0, "error", "expired 0 seconds ago (2026-11-26 18:00 UTC)."),
        (-7200, "error", "expired 2 hours ago (2026-11-26 18:00 UTC)."),
        (None, "warning", "it expires 2026-11-26 18:00 UTC."),
    ],
)
def test_the_time_that_is_left_decides(left: float | None, severity: str, said: str) -> None:
    issue = url_issue("mask", signed(END), None if left is None else END - left)
    assert issue is not None
    assert (issue.field, issue.severity) == ("mask", severity)
    assert issue.message.startswith(f"{AT} is signed for Amazon S3")
    assert said in issue.message
    assert ("share neither" in issue.remedy) is (severity == "warning")
    assert LEAST_SECONDS == 60


def test_one_that_does_not_say_until_when_is_a_warning() -> None:
    issue = url_issue("mask", f"{AT}?sv=2024-11-04&si=kept&sig={SECRET}", NOW)
    assert issue is not None
    assert issue.message == f"{AT} is signed for Azure Storage: it does not say until when."
    assert issue.severity == "warning"


@pytest.mark.parametrize("query", [row[0] for row in SIGNED], ids=IDS)
@pytest.mark.parametrize("now", [None, NOW, END + 1])
def test_no_word_repeats_the_signature(query: str, now: float | None) -> None:
    issue = url_issue("references[0]", f"https://me:{SECRET}@x.example.com/a?{query}#{SECRET}", now)
    assert issue is not None
    assert SECRET not in f"{issue!r}"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        (AT, AT),
        (f"{AT}?sig={SECRET}", AT),
        (f"{AT}#{SECRET}", AT),
        (f"https://me:{SECRET}@example.com:8443/a@b/c.png?x", "https://example.com:8443/a@b/c.png"),
        (f"https:\\\\me:{SECRET}@example.com\\a", "https:\\\\example.com\\a"),
        (f"me:{SECRET}@example.com/a", "me:example.com/a"),
        (f"//me:{SECRET}@example.com/a", "//example.com/a"),
        ("https://example.com/@me/a.png", "https://example.com/@me/a.png"),
        ("https://example.com/a\nb\u202ec.png", "https://example.com/a?b?c.png"),
        ("not an address", "not an address"),
        ("", ""),
        (f"?{SECRET}", ""),
        ("data:image/png;base64," + "A" * 500, "data:image/png;base64," + "A" * 175 + "..."),
        ("https://[::1", "https://[::1"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, text: str) -> None:
    assert shown(url) == text
