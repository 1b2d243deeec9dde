"""Prints how long the painter takes on one core, by technique: `python tests/bench/bench_painter.py`."""

from __future__ import annotations

import statistics
import sys
import time

from tokenlab_nb.sandbox.manners import manner_of
from tokenlab_nb.sandbox.painter import Picture, paint

PROMPTS = ("a red fox in deep snow", "a lighthouse at dusk", "mountains and a lake at dawn", "a city at night in rain")


def seconds(picture: Picture) -> float:
    start = time.process_time()
    paint(picture)
    return time.process_time() - start


def main() -> None:
    models = {manner_of(f"maker-{n}").name: f"maker-{n}" for n in range(200)}
    every = []
    for name, model in sorted(models.items()):
        taken = [seconds(Picture(model, prompt, 1024, 1024, seed=k)) for k, prompt in enumerate(PROMPTS)]
        every += taken
        large = seconds(Picture(model, PROMPTS[2], 3840, 2160))
        middle, most = 1000 * statistics.median(taken), 1000 * max(taken)
        sys.stdout.write(f"{name:12} 1024x1024 median {middle:4.0f} ms, max {most:4.0f} ms; 3840x2160 {large:5.2f} s\n")
    sys.stdout.write(
        f"{len(every)} pictures: median {1000 * statistics.median(every):.0f} ms, max {1000 * max(every):.0f} ms\n"
    )


if __name__ == "__main__":
    main()
