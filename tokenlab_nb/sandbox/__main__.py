"""`python -m tokenlab_nb.sandbox`: the sandbox over a real port."""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from starlette.types import ASGIApp, Receive, Scope, Send

from .app import ConnectionDropped, create_app
from .faults import Fault, parse_faults
from .world import RATE_LIMIT

_NO_SERVER = "the sandbox's server needs uvicorn: pip install 'tokenlab-nb[server]'"
_MAX_PORT = 65535
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - to be read, not to be bound


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; the first line of stdout is the URL.

    Args:
        argv: The arguments; None takes the process's.

    Returns:
        The exit status.

    Raises:
        SystemExit: 2 for arguments that cannot be used, 1 without uvicorn or with a port that is taken.
    """
    options = _parse(argv)
    try:
        import uvicorn  # noqa: F401, PLC0415 - only asks whether the extra is installed
    except ImportError:
        options.parser.exit(1, f"{options.parser.prog}: {_NO_SERVER}\n")
    try:
        listener = _bind(options.host, options.port)
    except OSError as error:
        where = f"{options.host}:{options.port}"
        options.parser.exit(1, f"{options.parser.prog}: cannot listen on {where}: {error.strerror or error}\n")
    with listener:
        base_url = _url(listener)
        app = create_app(
            base_url=base_url,
            latency_scale=options.latency_scale,
            state_dir=options.state,
            faults=options.faults,
            rate_limit=options.rate_limit,
        )
        sys.stdout.write(f"{base_url}\n")
        sys.stdout.flush()
        _serve(app, listener)
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(prog="python -m tokenlab_nb.sandbox", description="A local TokenLab: nothing is billed.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", default=8765, type=_port, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--latency-scale", default=0.1, type=_scale, help="times the real models' 5 to 60 s (default: %(default)s)"
    )
    parser.add_argument("--faults", default=(), type=_faults, metavar="FILE", help="what goes wrong, as JSON")
    parser.add_argument(
        "--rate-limit",
        default=RATE_LIMIT,
        type=_calls,
        metavar="N",
        help="calls a minute and key (default: %(default)s)",
    )
    parser.add_argument("--state", type=_folder, metavar="DIR", help="where tasks and pictures outlive a restart")
    return parser.parse_args(argv, argparse.Namespace(parser=parser))


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {_MAX_PORT}")
    return int(text)


def _calls(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _scale(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return value


def _faults(text: str) -> tuple[Fault, ...]:
    try:
        return parse_faults(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"cannot read {text}: {error}") from error


def _folder(text: str) -> Path:
    try:
        Path(text).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot make {text}: {error.strerror}") from error
    return Path(text)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = _ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _leave(_signum: int, _frame: FrameType | None) -> None:
    """End the process without a traceback; uvicorn raises the signal again once it has shut down."""
    raise SystemExit(0)


def _serve(app: ASGIApp, listener: socket.socket) -> None:
    from uvicorn import Config, Server  # noqa: PLC0415 - an extra
    from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415 - as above

    class Line(H11Protocol):
        """One connection, which the app may cut."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            super().connection_made(transport)
            self.app = _cutting(app, transport)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    # Nothing is worth waiting for at the end: tasks are kept, and who waits for an answer sees the line go dead.
    config = Config(
        app, http=Line, lifespan="off", log_level="critical", proxy_headers=False, timeout_graceful_shutdown=0
    )
    Server(config).run(sockets=[listener])


def _cutting(app: ASGIApp, transport: asyncio.Transport) -> ASGIApp:
    """The app, with `ConnectionDropped` and a shutdown made into what a peer sees of them: a closed socket."""

    async def cut(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (ConnectionDropped, asyncio.CancelledError):
            transport.abort()
            for _ in range(2):  # lets the server learn of it, so that it writes no 500 of its own
                await asyncio.sleep(0)
        except Exception:
            traceback.print_exc()  # uvicorn is kept quiet, since it would also talk about the shutdown
            raise

    return cut


if __name__ == "__main__":
    sys.exit(main())
