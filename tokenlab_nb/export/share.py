"""`Share`: what a reader of a shared file may see."""

from __future__ import annotations

from dataclasses import dataclass

from tokenlab_nb.errors import ValidationError

__all__ = ["Share", "chosen"]


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


def chosen(share: object) -> Share:
    """What was handed in as ``share``; None shows all but secrets.

    Raises:
        ValidationError: If it is something else: to take that for None would show what was meant to be left out.
    """
    if share is None:
        return Share()
    if not isinstance(share, Share):
        raise ValidationError(f"share is no {type(share).__name__}.", hint="Hand in tl.Share(prompts=False), say.")
    return share
