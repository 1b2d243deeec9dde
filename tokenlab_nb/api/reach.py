"""Where we fetch ourselves: pictures of answers, and references that somebody wants tried. Never with the key.

Rules for references: the vendor's pages "Create image" and "Edit image" (public hosts only, checked again at each of at
most three redirects, 50 MB each); we hold ourselves to them. A name is resolved, every address it has is checked, and
one that was checked is connected to, so that a name which says something else a moment later (rebinding) gains nothing.
The API's own origin is always allowed.

A redirect from https to http is refused: what was asked for under a certificate would come from whoever stands in
between. So is one to any place that would be refused in the first place (RFC 9110, section 17.2).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import anyio
import httpx

from tokenlab_nb.api.replies import Fetched
from tokenlab_nb.contract import hosts
from tokenlab_nb.contract.model import Issue
from tokenlab_nb.contract.references import MAX_FILE_BYTES
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.contract.signed import shown
from tokenlab_nb.errors import ImageError, TransportError, ValidationError
from tokenlab_nb.settings import Timeouts

MAX_PICTURE_BYTES = 100_000_000
"""Most bytes of one picture that are downloaded; a 3840x2160 PNG has about 25 million at worst."""
MAX_REDIRECTS = 3
"""The vendor's own limit for references."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port -> every address that the host has, as text."""

_LOOK_UP_SECONDS = 10.0  # for all names of one request: it should not wait long for what only warns
_ZLIB_OR_GZIP = 47  # `wbits` of zlib: the longest window, and whichever of both headers is there
_PASSING = frozenset({408, 425, 429})
_PORTS = {"https": 443, "http": 80}
_FAKES = ("198.18.", "198.19.")
_Target = tuple[str, dict[str, Any]]

_PROXY = (
    "A proxy is set here; requests go through it, but pictures are fetched directly: this host must be let through."
)
_HAND_IN = "Use a public address, or hand in the file itself."


@dataclass(frozen=True, slots=True)
class Errand:
    """Why a picture is fetched, which decides how much and from where, and what is said where it fails.

    Attributes:
        most: Most bytes.
        seconds: Most seconds, where the settings allow no fewer.
        again: What to do where it may work later, or elsewhere.
        refused: What to do where the address is refused.
        smaller: What to do where it is too large.
        trusts_near: Whether an API on a private host may name other private hosts.
        by_bytes: Whether only the bytes say what it is, whatever the host calls it.
    """

    most: int
    seconds: float
    again: str
    refused: str
    smaller: str
    trusts_near: bool = False
    by_bytes: bool = False


RESULT = Errand(
    MAX_PICTURE_BYTES,
    math.inf,
    again="The picture is paid for and its address kept: fetch it again with job.fetch_again(), at no cost.",
    refused="Tell the service's support of it; the address is kept with the job.",
    smaller="Ask for a smaller size or a compressed format. Its address is kept with the job.",
    trusts_near=True,
)
"""A picture of an answer."""

REFERENCE = Errand(
    MAX_FILE_BYTES,
    30.0,
    again="The service may reach it all the same: open the address in a browser, or hand in the file itself.",
    refused=_HAND_IN,
    smaller="Make the picture smaller.",
    by_bytes=True,
)
"""A picture that is to go in: the same rules that the service states for its own fetching."""


async def ask_system(host: str, port: int) -> list[str]:
    """Resolve a name as this machine does."""
    found = await anyio.getaddrinfo(host, port)
    return [str(entry[4][0]) for entry in found]


class Reach:
    """Fetches pictures.

    Args:
        base_url: The API's address.
        transport: Replaces the network; then no name is resolved, unless ``resolve`` is given.
        resolve: Finds the addresses of a name; by default this machine does.
        timeouts: Seconds.
        user_agent: Value of the ``User-Agent`` header.
        has_proxy: Whether the environment names a proxy, which is not used here: it would see and choose the pictures.
    """

    def __init__(
        self,
        base_url: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        resolve: Resolve | None = None,
        timeouts: Timeouts | None = None,
        user_agent: str = "tokenlab-nb",
        has_proxy: bool = False,
    ) -> None:
        parts = urlsplit(base_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._near = bool(hosts.host_problem(parts.hostname or ""))
        self._resolve = resolve or (ask_system if transport is None else None)
        self._timeouts = timeouts or Timeouts()
        self._proxy_hint = f" {_PROXY}" if has_proxy and transport is None else ""
        self._http = httpx.AsyncClient(
            transport=transport,
            # A pool knows connections by address, and hosts that share one must not share a connection: its
            # certificate was checked for one of them.
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=0),
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close every connection. Closing twice is fine."""
        await self._http.aclose()

    # ------------------------------------------------------------------------------------- fetching

    async def fetch(self, url: str, errand: Errand = RESULT) -> Fetched:
        """Fetch one picture.

        Raises:
            ImageError: If its host, or one that it redirects to, is refused; if it redirects more than three times or
                from https to http; or if the answer is no picture or too large.
            TransportError: If it cannot be reached, or not within the time.
        """
        failure: ImageError | TransportError
        at = url
        try:
            with anyio.fail_after(min(self._timeouts.download, errand.seconds)):
                for redirects in range(MAX_REDIRECTS + 1):
                    async with self._answer(at, errand) as response:
                        if not response.is_redirect:
                            return Fetched(await _read(response, errand), shown(at), redirects)
                        at = self._following(at, response.headers.get("location", ""), errand)
            what = f"The picture's address redirects more than {MAX_REDIRECTS} times."
            failure = ImageError(what, hint=errand.again)
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            why = f"The picture at {shown(at)} was not fetched ({in_words(error)})."
            failure = TransportError(why, hint=errand.again + self._proxy_hint)
        except (httpx.InvalidURL, ValueError) as error:
            failure = ImageError(f"The picture's address cannot be read ({in_words(error)}).", hint=errand.refused)
        raise failure

    def _following(self, url: str, location: str, errand: Errand) -> str:
        """Where a redirect leads. What it says after a # is the browser's (RFC 9110, section 10.2.2)."""
        target = urldefrag(urljoin(url, location)).url
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http" and not self._is_own(target):
            why = f"The picture's address is refused. It redirects from https to http, to {shown(target)}."
            raise ImageError(why, hint=errand.refused)
        return target

    @asynccontextmanager
    async def _answer(self, url: str, errand: Errand) -> AsyncIterator[httpx.Response]:
        targets = await self._targets(url, errand)
        async with AsyncExitStack() as stack:
            yield await self._opened(stack, targets)

    async def _opened(self, stack: AsyncExitStack, targets: Sequence[_Target]) -> httpx.Response:
        *others, last = targets
        for target in others:
            try:
                return await stack.enter_async_context(self._stream(target))
            except (httpx.ConnectError, httpx.ConnectTimeout):  # an IPv6 address, say, that no way leads to from here
                continue
        return await stack.enter_async_context(self._stream(last))

    def _stream(self, target: _Target) -> AbstractAsyncContextManager[httpx.Response]:
        url, extra = target
        timeout = httpx.Timeout(self._timeouts.read, connect=self._timeouts.connect)
        return self._http.stream("GET", url, timeout=timeout, **extra)

    # ------------------------------------------------------------------------------------- checking

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}".lower() == self.origin.lower()

    async def _targets(self, url: str, errand: Errand) -> list[_Target]:
        """Check where a picture lies, and say where to connect to: the very addresses that were checked."""
        trusted = errand.trusts_near and self._near
        problem = hosts.url_problem(url, trusted_origin=self.origin)
        if problem and not (trusted and urlsplit(url).scheme in _PORTS):
            raise ImageError(f"The picture's address is refused. {problem}", hint=errand.refused)
        if trusted or self._resolve is None or self._is_own(url):
            return [(url, {})]
        asked = httpx.URL(url)
        host = asked.raw_host.decode("ascii")  # IDNA, unlike the text that came
        addresses = await self._public_addresses(host, asked.port or _PORTS[asked.scheme], errand)
        headers = {"Host": asked.netloc.decode("ascii")}
        extra = {"headers": headers, "extensions": {"sni_hostname": host}}
        return [(str(asked.copy_with(host=address)), extra) for address in addresses]

    async def _public_addresses(self, host: str, port: int, errand: Errand) -> list[str]:
        try:
            addresses = await self._addresses(host, port)
        except (OSError, UnicodeError) as error:
            why = f"The picture's host {host} is not known here ({error})."
            raise TransportError(why, hint=errand.again + self._proxy_hint) from None
        for address in addresses:
            if problem := hosts.host_problem(address):
                why = f"The picture's host {host} is refused. {problem}{_aside(address)}"
                raise ImageError(why, hint=errand.refused)
        return addresses

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Every address of a host, each once; of a literal, itself, so that no resolver reads it otherwise.

        Raises:
            OSError: If it has none.
        """
        literal = hosts.literal(host)
        if literal is not None:
            return [str(literal)]
        found = await self._resolve(host, port) if self._resolve else ()
        if not found:
            raise OSError("it has no address")
        return list(dict.fromkeys(found))  # a system tells them once for each kind of socket

    async def check_hosts(self, request: ImageRequest) -> str:
        """Look up where the references of a request lie, before it is sent. The service fetches them, not we.

        Returns:
            A note where a host is not known from here, which need not hold for the service; else an empty text.

        Raises:
            ValidationError: If one lies on a host that is not public.
        """
        named = [(f"references[{place}]", source.url) for place, source in enumerate(request.references) if source.url]
        named += [("mask", request.mask.url)] if request.mask and request.mask.url else []
        for name, url in named:
            if problem := hosts.url_problem(url, trusted_origin=self.origin):
                raise _not_public(name, url, problem)
        if self._resolve is None:
            return ""
        unknown = {urlsplit(url).hostname or "": (name, url) for name, url in reversed(named) if not self._is_own(url)}
        with anyio.move_on_after(_LOOK_UP_SECONDS):
            for host, (name, url) in list(unknown.items()):
                with suppress(OSError, UnicodeError, httpx.InvalidURL):
                    await self._check_addresses(name, url)
                    del unknown[host]
        if not unknown:
            return ""
        return f"Not known from here: {', '.join(sorted(unknown))}. The service fetches the picture, and may know it."

    async def _check_addresses(self, name: str, url: str) -> None:
        asked = httpx.URL(url)
        for address in await self._addresses(asked.raw_host.decode("ascii"), asked.port or _PORTS[asked.scheme]):
            if problem := hosts.host_problem(address):
                raise _not_public(
                    name, url, f"Its host leads to a place that is not public: {problem}{_aside(address)}"
                )


def _not_public(name: str, url: str, problem: str) -> ValidationError:
    issue = Issue(name, f"{shown(url)} cannot be used. {problem}", remedy=_HAND_IN)
    return ValidationError(f"{name}: {issue.message}", issues=(issue,), hint=_HAND_IN)


def _aside(address: str) -> str:
    """What else may be behind such an answer. The range is that of RFC 2544."""
    return " Some proxies answer so for every name: let this host pass there." if address.startswith(_FAKES) else ""


async def _read(response: httpx.Response, errand: Errand) -> bytes:
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if response.status_code != httpx.codes.OK:
        # A host in trouble may answer better soon; an address that is refused or gone will not.
        kind_of_error = TransportError if response.status_code in _PASSING or response.is_server_error else ImageError
        raise kind_of_error(f"The picture's address answered {response.status_code}.", hint=errand.again)
    usual = not kind or kind.startswith("image/") or kind in ("application/octet-stream", "binary/octet-stream")
    if not (usual or errand.by_bytes):
        raise ImageError(f"The picture's address answered with {kind[:60]}, not a picture.", hint=errand.again)
    stated = response.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > errand.most:
        raise _too_large(int(stated), errand)
    chunks, size = [], 0
    async for chunk in _unpacked(response, errand):
        size += len(chunk)
        if size > errand.most:
            raise _too_large(size, errand)
        chunks.append(chunk)
    return b"".join(chunks)


async def _unpacked(response: httpx.Response, errand: Errand) -> AsyncIterator[bytes]:
    """The body, piece by piece. It was asked for unpacked; where it is packed, no piece outgrows the limit.

    httpx would unpack a piece whole, however large it becomes: a few hundred bytes can stand for gigabytes.
    """
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        async for chunk in response.aiter_bytes():
            yield chunk
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        why = f"The picture's address answered in the packing {coding[:60]!r}, which was not asked for."
        raise ImageError(why, hint=errand.again)
    unpacker = zlib.decompressobj(_ZLIB_OR_GZIP)
    try:
        async for chunk in response.aiter_raw():
            yield unpacker.decompress(chunk, errand.most + 1)
    except zlib.error:
        raise ImageError("The picture came in a packing that is damaged.", hint=errand.again) from None
    if not unpacker.eof:
        raise TransportError("The picture's answer ended too soon.", hint=errand.again)


def _too_large(size: int, errand: Errand) -> ImageError:
    return ImageError(
        f"The picture has {size:,} bytes or more; at most {errand.most:,} are fetched.", hint=errand.smaller
    )


def in_words(error: Exception) -> str:
    """What went wrong, in a few words. A protocol's complaint about a request quotes its headers: it is left out."""
    quotes = isinstance(error, httpx.LocalProtocolError) or not isinstance(error, httpx.HTTPError)
    text = "" if quotes else str(error).strip()
    name = type(error).__name__
    return f"{name}: {text[:200]}" if text else name
