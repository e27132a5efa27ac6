"""How many threads a launch may use, and why.

The default follows what the process was given: affinity, cgroup quota and SLURM's promise, shared among the ranks of
this node if the launcher didn't bind them (N24); one thread inside a worker of a process pool (N22). Threads start at
the first launch that is big enough to share, never at import (N1).
"""

from __future__ import annotations

import math
import multiprocessing
import os
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nbkeras.config import setting
from nbkeras.errors import ArgumentError
from nbkeras.kernels import team as native

#: Variables that launchers set to the number of this job's processes on this node.
LOCAL_RANKS = ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "PMI_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE")


class Count(NamedTuple):
    """A number of threads and where it comes from."""

    threads: int
    reason: str


def allowed(environment: Mapping[str, str], affinity: int, quota: float | None, cores: int) -> Count:
    """The most threads this process should run: the least of what the scheduler, the kernel and the cgroup grant.

    Args:
        environment: the environment variables.
        affinity: processors this process may run on.
        quota: processors' worth of time that the cgroup grants, None if unlimited.
        cores: processors of the machine.

    Example:
        >>> allowed({"SLURM_CPUS_PER_TASK": "4"}, affinity=16, quota=None, cores=16)
        Count(threads=4, reason='SLURM_CPUS_PER_TASK')
    """
    limits = [Count(max(1, affinity), "processors this process may run on")]
    if quota is not None:
        limits.append(Count(max(1, math.ceil(quota)), "cgroup quota"))
    slurm = _number(environment, "SLURM_CPUS_PER_TASK")
    if slurm is not None:
        limits.append(Count(slurm, "SLURM_CPUS_PER_TASK"))
    least = min(limits, key=lambda count: count.threads)
    ranks = _local_ranks(environment)
    # With fewer processors than the job has on this node, the launcher has bound the ranks.
    job = _number(environment, "SLURM_CPUS_ON_NODE") or _number(environment, "NCPUS") or cores
    if ranks > 1 and slurm is None and affinity >= job:
        return Count(max(1, least.threads // ranks), f"{least.reason}, shared by {ranks} local ranks")
    return least


def default(environment: Mapping[str, str], most: Count, in_worker: bool) -> Count:
    """The number of threads until `set_num_threads` says otherwise.

    Example:
        >>> default({}, Count(8, "cores"), in_worker=True)
        Count(threads=1, reason='worker of a process pool')
    """
    for name in ("NBKERAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        asked = _number(environment, name)
        if asked is not None:
            return Count(asked, name) if asked <= most.threads else most
    if in_worker:
        return Count(1, "worker of a process pool")
    return most


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "").strip()
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _local_ranks(environment: Mapping[str, str]) -> int:
    for name in LOCAL_RANKS:
        found = _number(environment, name)
        if found is not None:
            return found
    # "2(x3),1": this step's tasks on each node, the same for the first three.
    tasks = environment.get("SLURM_STEP_TASKS_PER_NODE", "").split(",")[0].split("(")[0].strip()
    return int(tasks) if tasks.isdecimal() and int(tasks) > 0 else 1


def quota(root: str | os.PathLike = "/sys/fs/cgroup", process: str | os.PathLike = "/proc/self/cgroup") -> float | None:
    """Processors' worth of time that the cgroups of this process grant, or None (version 2 and version 1)."""
    root = Path(root)
    found = []
    for line in _read(process).splitlines():
        _, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if controllers == "":
            found += [_quota_v2(folder) for folder in _upwards(root, path)]
        elif "cpu" in controllers.split(","):
            for name in (controllers, "cpu"):
                found += [_quota_v1(folder) for folder in _upwards(root / name, path)]
    limits = [limit for limit in found if limit is not None]
    return min(limits) if limits else None


def _upwards(root: Path, path: str) -> list[Path]:
    """The folder of a cgroup and of all above it; inside a container only the root may be visible."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [root.joinpath(*parts[:length]) for length in range(len(parts), -1, -1)]


def _quota_v2(folder: Path) -> float | None:
    words = _read(folder / "cpu.max").split()
    return _ratio(words[0], words[1]) if len(words) == 2 else None


def _quota_v1(folder: Path) -> float | None:
    return _ratio(_read(folder / "cpu.cfs_quota_us").strip(), _read(folder / "cpu.cfs_period_us").strip())


def _ratio(share: str, period: str) -> float | None:
    if not (share.isdecimal() and period.isdecimal()) or int(period) == 0:
        return None  # "max" in version 2, -1 in version 1: no limit
    return int(share) / int(period)


def _read(path) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


#: False until the team has the size that is wanted; launches that can be shared look at it.
ready = False

_team = native.Team()
_lock = threading.Lock()
_most: Count | None = None
_wanted: Count | None = None
_warned = False


def _resolve() -> tuple[Count, Count]:
    global _most, _wanted
    if _most is None:
        _most = allowed(os.environ, _affinity(), quota(), os.cpu_count() or 1)
    if _wanted is None:
        in_worker = multiprocessing.parent_process() is not None  # joblib's and loky's workers have one too
        _wanted = default(os.environ, _most, in_worker)
        text = setting("NBKERAS_NUM_THREADS")
        asked = _number(os.environ, "NBKERAS_NUM_THREADS")
        if text is not None and asked is None:
            raise ArgumentError(
                f"NBKERAS_NUM_THREADS: expected a whole number of at least 1, got {text!r}.",
                next="unset it to use all processors that this process may run on.",
            )
        if asked is not None and asked > _most.threads:
            _warn_clamped("NBKERAS_NUM_THREADS", asked)
    return _most, _wanted


def _warn_clamped(who: str, asked: int) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"{who}: {asked} threads asked for, but this process may use {_most.threads} ({_most.reason}); "
            f"{_most.threads} are used.",
            RuntimeWarning,
            stacklevel=4,
        )


def get_num_threads() -> int:
    """The number of threads that a launch may use."""
    return _resolve()[1].threads


def set_num_threads(count: int | None) -> _Restore:
    """Set the number of threads that a launch may use; None returns to the default.

    See `nbkeras.config.set_num_threads`.
    """
    global _wanted, ready
    if count is not None and (isinstance(count, bool) or int(count) != count or count < 1):
        raise ArgumentError(
            f"set_num_threads: expected a whole number of at least 1, got {count!r}.",
            next="pass None to return to the default.",
        )
    with _lock:
        most, before = _resolve()
        if count is None:
            _wanted = None
        else:
            if count > most.threads:
                _warn_clamped("set_num_threads", int(count))
            _wanted = Count(min(int(count), most.threads), "set_num_threads")
        ready = False
        _team.state[native.ACTIVE] = min(_team.state[native.ACTIVE], get_num_threads())
    return _Restore(before)


class _Restore:
    def __init__(self, before: Count):
        self._before = before

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        global _wanted, ready
        with _lock:
            _wanted, ready = self._before, False


def start() -> None:
    """Bring the team to the wanted size: called by the first launch that can be shared, and after changes."""
    global ready, _wanted
    with _lock:
        wanted = _resolve()[1]
        got = _team.grow(wanted.threads)
        if got < wanted.threads:
            _wanted = Count(got, "no more threads could be started")
        ready = True


def address() -> int:
    """Where the team's shared state lies."""
    return _team.address


def _after_fork_in_child() -> None:
    """No helper survives a fork; the child starts with itself alone and may start helpers of its own (N20)."""
    global ready, _lock, _wanted, _most
    _lock = threading.Lock()
    _team.reset()
    ready = False
    _most = None
    if _wanted is not None and _wanted.reason != "set_num_threads":
        _wanted = None


os.register_at_fork(after_in_child=_after_fork_in_child)


def describe() -> dict[str, str]:
    """Threads in words, for `nbkeras info`."""
    most, wanted = _resolve()
    return {
        "threads": f"{wanted.threads} ({wanted.reason})",
        "processors allowed": f"{most.threads} ({most.reason})",
        "threading layer": "own team, " + (f"{_team.helpers} helpers running" if _team.helpers else "not started")
        if _team.possible
        else f"serial (no futex known for {os.uname().sysname} on {os.uname().machine})",
    }
