"""Who follows a job: each open ledger is an owner, and a lease on a job ends with its owner.

Several kernels may share one data folder. An owner whose process is gone from this host is dead at once; of one on
another host, only its signs can be seen: it is dead when the last is 60 seconds old.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

__all__ = ["SILENT_SECONDS", "Owner", "is_alive", "myself"]

SILENT_SECONDS = 60.0
"""An owner on another host that gave no sign for so long is taken for dead."""


_GONE = frozenset({psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})
_BOOT_ID, _PID_SPACE = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that follows jobs.

    Attributes:
        host: Where its pid means something: machine, boot and (on Linux) the namespace of pids.
        pid: Its process id.
        started: When the process began, as the system tells it; a pid alone may belong to a later process.
    """

    host: str
    pid: int
    started: str


def myself() -> Owner:
    """This process. Asked anew each time: a forked copy is another one."""
    return Owner(_host(), os.getpid(), _start(os.getpid()) or "")


def is_alive(row: Mapping[str, object], now: float) -> bool:
    """Whether the owner of this row still follows its jobs.

    Args:
        row: ``host``, ``pid``, ``started`` and ``seen_at`` (seconds since 1970) as the ledger has them.
        now: Seconds since 1970.
    """
    if row["host"] == _host():
        return _start(int(str(row["pid"]))) == row["started"]
    # A sign from the future tells of two clocks that differ, not of a dead owner, unless they differ by far.
    return abs(now - float(str(row["seen_at"]))) <= SILENT_SECONDS


@cache
def _host() -> str:
    # Containers share a boot id, and may share a name, but not their pids.
    boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
    space = str(_PID_SPACE.readlink()) if _PID_SPACE.exists() else ""
    return "|".join((platform.node(), boot, space))


def _start(pid: int) -> str | None:
    """When a process began, in a spelling that never changes; None where there is none, or only its remains."""
    try:
        process = psutil.Process(pid)
        if process.status() in _GONE:
            return None
        # On Linux in ticks since the boot: in seconds since 1970 it would move with every correction of the clock.
        stat = Path(f"/proc/{pid}/stat")
        return (
            stat.read_text(errors="replace").rpartition(")")[2].split()[19]
            if stat.exists()
            else f"{process.create_time():.2f}"
        )
    except (psutil.Error, OSError, IndexError):
        return None
