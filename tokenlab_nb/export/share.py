"""`Share`: what a reader of a shared file may see."""

from __future__ import annotations

from dataclasses import dataclass

from tokenlab_nb.errors import ValidationError

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

    @classmethod
    def of(cls, share: object) -> Share:
        """Take what was handed in; None shows all. Anything else is refused: it was meant to keep something back.

        Raises:
            ValidationError: If it is no `Share`.
        """
        if share is None:
            return cls()
        if not isinstance(share, cls):
            raise ValidationError(f"share is no {type(share).__name__}.", hint="Hand in tl.Share(prompts=False), say.")
        return share
