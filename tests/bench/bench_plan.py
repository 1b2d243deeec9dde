"""What planning 10,000 cells costs, next to what making their 10,000 requests and hashes alone costs.

    python tests/bench/bench_plan.py [rounds]

The plan: 5 models x 20 prompts x 10 seeds x 10 sizes, most of them adjusted. The peer builds one `ImageRequest` for
each cell from values that are checked already, and hashes it: nobody could do with less. The least CPU time of all
rounds counts. Targets: at most 4 times the peer, and under a second.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from tokenlab_nb.contract.model import GENERATIONS, Contract, Model, Operation, Param, Price, SizeRule
from tokenlab_nb.contract.pricing import estimate
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.sweep.plan import Axis, Plan, axis
from tokenlab_nb.sweep.planner import Known, make_plan

TARGET = 4.0

PROMPT = Param("prompt", "text", role="prompt", max_length=4000, required=True)
SEED, TASK = Param("seed", "integer"), Param("async", "boolean")
N = Param("n", "integer", minimum=1, maximum=10)
RATIO = Param("aspect_ratio", "choice", choices=("1:1", "16:9", "9:16", "4:3", "3:4"))
CLASS = Param("resolution", "choice", choices=("1k", "2k"))
QUALITY = Param("quality", "choice", choices=("low", "medium", "high"))
RULED = Param("size", "string", size_rule=SizeRule(16, 3840, 3, 655_360, 8_294_400, ("auto",)))
OPTIONS = {
    "ratio": (RATIO, CLASS, N),
    "ruled": (RULED, QUALITY, N, TASK),
    "seeded": (RATIO, SEED, TASK),
    "square": (Param("size", "choice", choices=("512x512", "1024x1024")), SEED),
    "bare": (),
}
SIZES = ("1024x1024", "1536x1024", "1024x1536", "1000x1000", "1280x720", "720x1280", "2048x2048", "640x480", "4096x512")


def models() -> dict[str, Model]:
    """Five models that take different settings."""
    found = {}
    for place, (name, params) in enumerate(OPTIONS.items(), 1):
        operation = Operation("text-to-image", GENERATIONS, {param.name: param for param in (PROMPT, *params)})
        found[name] = Model(
            name, Contract({operation.name: operation}), price=Price("per_image", place / 100, place / 50)
        )
    return found


def axes() -> list[Axis]:
    """Axes of 10,000 cells."""
    prompts = [f"A red fox in deep snow, number {number}, morning light, 35 mm film" for number in range(20)]
    return [
        axis("model", list(OPTIONS)),
        axis("prompt", prompts),
        axis("seed", range(10)),
        axis("size", [*SIZES, None], [*SIZES, "auto"]),
    ]


def plan() -> Plan:
    """The plan that is measured."""
    known = Known(dict(models()), lambda request, model: estimate(model.price, request, 0.0))
    return make_plan(axes(), known)


def peer(bodies: Sequence[tuple[str, dict[str, object]]]) -> list[str]:
    """One request and one hash for each body."""
    return [ImageRequest(model, "text-to-image", GENERATIONS, body).hash for model, body in bodies]  # type: ignore[arg-type]


def least(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The least CPU seconds of each, measured in turns, so that a noisy machine is noisy to all."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            start = time.process_time()
            work()
            best[place] = min(best[place], time.process_time() - start)
    return best


def measure(rounds: int = 3) -> tuple[Plan, float, float]:
    """The plan, and the seconds that it and its peer take."""
    made = plan()
    bodies = [(cell.model, dict(cell.takes[0].request.values)) for cell in made.cells]
    ours, theirs = least(rounds, plan, lambda: peer(bodies))
    return made, ours, theirs


def main(rounds: int = 10) -> None:
    """Print the figures."""
    made, ours, theirs = measure(rounds)
    counts = ", ".join(f"{number:,} {status}" for status, number in made.counts().items())
    sys.stdout.write(f"{len(made.cells):,} cells ({counts}), {len(made.takes):,} requests\n")
    sys.stdout.write(f"{1000 * ours:7.0f} ms  planned\n{1000 * theirs:7.0f} ms  requests and hashes alone\n")
    sys.stdout.write(f"ratio {ours / theirs:.2f}  (target {TARGET:g})\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
