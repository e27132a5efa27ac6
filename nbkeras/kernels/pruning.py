"""Removes caches that nobody used for long: every edit or upgrade of the sources begins a folder of its own.

Only what this package made and this user owns goes: folders of the cache's own form of name, and in them files of its
own form of name; a folder that holds anything else stays, with that in it.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from pathlib import Path

#: Seconds since its last use after which a folder goes.
AGE = 90 * 86400.0

FOLDER = re.compile(r"[0-9a-f]{16}-.+-[0-9a-f]{8}")
ENTRY = re.compile(r"nbkeras_\w+\.(o|cubin)|\.nbkeras_\w+\..*\.tmp")


def mark(place: Path) -> None:
    """Note that a folder is in use."""
    with contextlib.suppress(OSError):  # another user's, or a disk that is read only
        os.utime(place)


def prune(root: Path, keep: Path) -> list[str]:
    """Remove folders beside `keep` that were last used AGE seconds ago or longer; returns their names."""
    gone = []
    with contextlib.suppress(OSError), os.scandir(root) as entries:
        for entry in entries:
            if FOLDER.fullmatch(entry.name) and entry.name != keep.name and _is_old(entry) and _remove(entry.path):
                gone.append(entry.name)
    return gone


def _is_old(entry: os.DirEntry) -> bool:
    with contextlib.suppress(OSError):
        status = entry.stat(follow_symlinks=False)
        own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
        return own and time.time() - status.st_mtime >= AGE
    return False


def _remove(folder: str) -> bool:
    try:
        for name in os.listdir(folder):
            if ENTRY.fullmatch(name):
                os.unlink(os.path.join(folder, name))
        os.rmdir(folder)  # refused while anything else is in it
    except OSError:
        return False
    return True
