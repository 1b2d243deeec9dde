"""Prints how long the painter takes on one core, by technique: `python tests/bench/bench_painter.py`."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace

from tokenlab_nb.sandbox.manners import manner_of
from tokenlab_nb.sandbox.painter import Picture, paint, sample

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
    references(models)


def references(models: dict[str, str]) -> None:
    """How long references take, against a picture without any (which is 1)."""
    bare = statistics.median(seconds(Picture(model, PROMPTS[0], 1024, 1024)) for model in models.values())
    photograph = Picture("m", PROMPTS[2], 4000, 3000, operation="x", tool="enlarge", references=(sample("mountains"),))
    files = {
        "small JPEG": [sample("fox"), sample("mountains"), sample("city")],
        "result PNG": [paint(Picture("m", prompt, 1024, 1024)) for prompt in PROMPTS[:3]],
        "12 MP JPEG": [paint(replace(photograph, output_format="jpeg"))] * 3,
    }
    for operation in ("image-to-image", "image-edit", "image-variation"):
        for kind, data in files.items():
            told = []
            for count in (1, 2, 3):
                base = Picture("m", PROMPTS[0], 1024, 1024, operation=operation, references=tuple(data[:count]))
                taken = [seconds(replace(base, model=model)) for model in models.values()]
                told.append(f"{statistics.median(taken) / bare:4.2f} (most {1000 * max(taken):3.0f} ms)")
            sys.stdout.write(f"{operation:15} {kind}: 1, 2, 3 references {', '.join(told)}\n")


if __name__ == "__main__":
    main()
