"""The command `tokenlab-nb`.

`lab` opens the example notebooks in JupyterLab, `history` lists jobs, `doctor` looks through notebooks before they are
shared, `sandbox` serves a local TokenLab.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

FIRST = "01_quickstart.ipynb"

Runner = Callable[[list[str]], int]


def main(argv: Sequence[str] | None = None, *, run: Runner | None = None, examples: Traversable | None = None) -> int:
    """Run the command.

    Args:
        argv: The words after `tokenlab-nb`; by default those of the process.
        run: Runs the command line that starts JupyterLab and returns its exit code; by default this process becomes
            JupyterLab.
        examples: The folder of the example notebooks; by default the one that came with the package.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["sandbox"]:
        from tokenlab_nb.sandbox.__main__ import main as serve  # noqa: PLC0415 - `lab` need not pay for the server

        return serve(words[1:])
    cut = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:cut])
    if options.command == "history":
        return _history(options)
    if options.command == "doctor":
        return _doctor(options)
    if find_spec("jupyterlab") is None:
        sys.stderr.write('JupyterLab is not installed here. Install it with: pip install "tokenlab-nb[lab]"\n')
        return 1
    folder = options.dir.resolve()
    notebook = _lay_out(examples or _examples(), folder)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command += [f"--LabApp.default_url=/lab/tree/{notebook}", *options.browser, *words[cut + 1 :]]
    return (run or _become)(command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tokenlab-nb", description="Try TokenLab's image models in notebooks.")
    parser.add_argument("--version", action="version", version=f"tokenlab-nb {version('tokenlab-nb')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    _add_history(commands.add_parser("history", help="list the jobs of the ledger, newest first; nothing is sent"))
    _add_doctor(
        commands.add_parser(
            "doctor",
            help="find in notebooks what should not be shared or does not show, and mend it",
            description="Find in notebooks, of any origin, what should not be shared or does not show: keys, signed "
            "addresses, private paths, broken or heavy widget state, outputs that are too large, contracts that have "
            "changed. Without --fix nothing is written, and the change is shown as a diff.",
            epilog="Exit code: 0 nothing wrong (or all mended), 1 findings, 2 a file cannot be read. Of sources, "
            "attachments and metadata, only broken widget state is changed. Close a notebook in Jupyter before it is "
            "mended.",
        )
    )
    lab = commands.add_parser(
        "lab",
        help="copy the example notebooks into a folder and open JupyterLab on the first one",
        epilog="What stands after -- goes to JupyterLab as it is: tokenlab-nb lab -- --port 9999",
    )
    lab.add_argument("--dir", type=Path, default=Path(), metavar="FOLDER", help="where to work (default: here)")
    lab.add_argument(
        "--no-browser",
        dest="browser",
        action="append_const",
        const="--no-browser",
        default=[],
        help="start the server, open no browser",
    )
    commands.add_parser("sandbox", help="serve the sandbox on a port (see: tokenlab-nb sandbox --help)")
    return parser


def _add_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="only this model's")
    parser.add_argument("--status", help="only those in this state, such as unknown")
    parser.add_argument("--text", default="", metavar="WORDS", help="only those whose prompt holds each word")
    parser.add_argument("--since", metavar="TIME", help="only those made then or later: 2026-11-26, 2026-11-26T14:30")
    parser.add_argument("--until", metavar="TIME", help="only those made before then")
    parser.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    parser.add_argument("--data-dir", type=Path, metavar="FOLDER", help="another folder than the usual one")
    parser.add_argument("--sandbox", action="store_true", default=None, help="the sandbox's, also where there is a key")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="NOTEBOOK", help="an .ipynb file")
    parser.add_argument("--fix", action="store_true", help="write what can be mended; the old file is kept beside it")
    parser.add_argument("--no-backup", action="store_true", help="with --fix: do not keep the old file")
    parser.add_argument("--no-diff", action="store_true", help="show no diff in a dry run")
    parser.add_argument("--offline", action="store_true", help="do not compare contracts with today's")
    parser.add_argument("--most-output", type=_size, metavar="SIZE", help="most of one output (default: 1 MB)")
    parser.add_argument("--most-notebook", type=_size, metavar="SIZE", help="most of a notebook (default: 10 MB)")
    parser.add_argument("--data-dir", type=Path, metavar="FOLDER", help="another folder than the usual one")


def _size(text: str) -> int:
    from tokenlab_nb.export.findings import parse_size  # noqa: PLC0415 - `lab` need not pay for all of it

    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _doctor(options: argparse.Namespace) -> int:
    """Look through notebooks one by one; the worst exit code counts."""
    from tokenlab_nb.checkup import checkup  # noqa: PLC0415 - `lab` need not pay for all of it

    with checkup(
        offline=options.offline, data_dir=options.data_dir, output=options.most_output, whole=options.most_notebook
    ) as doctor:
        keep = not options.no_backup
        codes = [doctor.treat(path, fix=options.fix, keep=keep, diff=not options.no_diff) for path in options.files]
    return max(codes)


def _history(options: argparse.Namespace) -> int:
    """Print the ledger's jobs. Nothing is taken up: a notebook that follows them is not disturbed."""
    from tokenlab_nb import settings  # noqa: PLC0415 - `lab` need not pay for all of it
    from tokenlab_nb.errors import TokenLabError  # noqa: PLC0415 - the same
    from tokenlab_nb.session import Session  # noqa: PLC0415 - the same

    names = ("model", "status", "text", "since", "until", "limit")
    try:
        with Session(settings.load(sandbox=options.sandbox, data_dir=options.data_dir)) as session:
            found = session.history(**{name: getattr(options, name) for name in names})
            sys.stdout.write(f"{session.place}.\n{found!r}\n")
    except TokenLabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _examples() -> Traversable:
    """The example notebooks: inside the installed package, or beside it in a checkout."""
    package = files("tokenlab_nb")
    inside = package / "notebooks"
    return inside if inside.is_dir() else Path(str(package)).parent / "notebooks"


def _lay_out(source: Traversable, folder: Path) -> str:
    """Copy the examples into the folder, unless it is their own; return the first one's path inside the folder."""
    home = Path(str(source)).resolve()
    if folder in {home, home.parent}:
        return (home / FIRST).relative_to(folder).as_posix()
    folder.mkdir(parents=True, exist_ok=True)
    for example in sorted(source.iterdir(), key=lambda item: item.name):
        if example.name.endswith(".ipynb"):
            sys.stdout.write(_copy(example, folder / example.name))
    return FIRST


def _copy(example: Traversable, target: Path) -> str:
    try:
        with target.open("xb") as file:
            file.write(example.read_bytes())
    except FileExistsError:
        return f"Left {target} as it is.\n"
    return f"Copied {target}\n"


def _become(command: list[str]) -> int:
    """Turn this process into JupyterLab, so that signals reach it; Windows can only wait for a child."""
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - no shell: the words are ours, and the user's own
    return subprocess.call(command)  # noqa: S603 - the same


if __name__ == "__main__":
    sys.exit(main())
