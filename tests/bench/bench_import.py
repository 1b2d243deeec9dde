"""What importing costs: ours against what notebooks import anyway, side by side in one run.

    python tests/bench/bench_import.py [rounds]

Each statement runs in an interpreter of its own; the least CPU time of all rounds counts, less that of a bare
interpreter. Targets: the package at most 0.2 of ipywidgets; with `Studio` resolved at most 1.3 of the four together.
"""

from __future__ import annotations

import resource
import subprocess
import sys

BARE = "pass"
PEER = "import ipywidgets"
FOUR = "import ipywidgets, anywidget, httpx, PIL"
PACKAGE = "import tokenlab_nb"
STUDIO = "import tokenlab_nb; tokenlab_nb.Studio"
WHOLE = "import tokenlab_nb.session, tokenlab_nb.widgets.gallery, tokenlab_nb.widgets.studio"


def cpu_seconds(statement: str) -> float:
    """User and system time of one interpreter that runs ``statement``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(rounds: int = 15) -> None:
    """Measure in turns, so that a noisy machine is noisy to all."""
    statements = (BARE, PEER, FOUR, PACKAGE, STUDIO, WHOLE)
    least = {statement: cpu_seconds(statement) for statement in statements}
    for _ in range(rounds):
        for statement in statements:
            least[statement] = min(least[statement], cpu_seconds(statement))
    own = {statement: least[statement] - least[BARE] for statement in statements}
    for statement, seconds in own.items():
        print(f"{1000 * seconds:7.1f} ms  {statement}")
    print(f"tokenlab_nb / ipywidgets:     {own[PACKAGE] / own[PEER]:.3f}  (target 0.2)")
    print(f"with Studio / the four peers: {own[STUDIO] / own[FOUR]:.3f}  (target 1.3)")
    print(f"all that a Studio uses / four: {own[WHOLE] / own[FOUR]:.3f}  (for information)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
