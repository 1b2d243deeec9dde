"""`Share`: what a reader of a shared file may see."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What goes into a file that is shared. Keys and signed addresses never do.

    Attributes:
        prompts: What was asked for in words, the rewritten prompts of models included.
        ids: Ids of jobs, requests, tasks and charges.
        costs: Prices and what was spent.
        paths: Names and paths of files, and addresses of pictures that went in.
    """

    prompts: bool = True
    ids: bool = True
    costs: bool = True
    paths: bool = True
