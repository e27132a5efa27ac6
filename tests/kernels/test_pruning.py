"""Old caches go, and nothing else does."""

import os
import time

from nbkeras.kernels import cache, pruning

OLD = "0123456789abcdef-znver4-89abcdef"


def folder(root, name, days, files=("nbkeras_matmul_f4.o", "nbkeras_matmul_f4.cubin", ".nbkeras_matmul_f4.x1.tmp")):
    place = root / name
    place.mkdir()
    for file in files:
        (place / file).write_bytes(b"")
    then = time.time() - days * 86400
    os.utime(place, (then, then))
    return place


def test_only_old_folders_of_this_form_go(tmp_path):
    keep = folder(tmp_path, "f" * 16 + "-znver4-" + "0" * 8, 400)
    young = folder(tmp_path, "e" * 16 + "-znver4-" + "0" * 8, 20)
    other = folder(tmp_path, "my-project", 400)
    mixed = folder(tmp_path, "d" * 16 + "-znver4-" + "0" * 8, 400, ("nbkeras_matmul_f4.o", "notes.txt"))
    link = tmp_path / ("c" * 16 + "-znver4-" + "0" * 8)
    link.symlink_to(other)
    folder(tmp_path, OLD, 400)
    assert pruning.prune(tmp_path, keep) == [OLD]
    assert all(place.exists() for place in (keep, young, other, mixed, link))
    assert os.listdir(mixed) == ["notes.txt"] and len(os.listdir(other)) == 3


def test_a_new_edition_prunes_and_an_old_one_in_use_is_marked(tmp_path, monkeypatch):
    monkeypatch.setenv("NBKERAS_CACHE_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    folder(tmp_path, OLD, 400)
    try:
        cache.forget()
        place = cache.folder()
        assert os.listdir(tmp_path) == [place.name]
        os.utime(place, (1, 1))
        folder(tmp_path, OLD, 400)
        cache.forget()
        assert cache.folder() == place and time.time() - place.stat().st_mtime < 1000
        assert (tmp_path / OLD).exists()
    finally:
        monkeypatch.undo()
        cache.forget()
