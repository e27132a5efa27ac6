"""get_file: downloaded once, checked, unpacked inside of its folder; file:// takes the network's place."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from nbkeras import utils
from nbkeras.errors import ArgumentError, DataError


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "data.bin"
    path.write_bytes(b"right")
    return path


def test_downloads_once_and_checks(home, source, capsys):
    right = hashlib.sha256(b"right").hexdigest()
    path = utils.get_file(origin=source.as_uri(), file_hash=right)
    assert path == str(home / "datasets" / "data.bin") and Path(path).read_bytes() == b"right"
    assert "Downloading data from file://" in capsys.readouterr().out
    source.write_bytes(b"other")
    assert utils.get_file(origin=source.as_uri(), file_hash=right) == path and not capsys.readouterr().out
    with pytest.raises(DataError, match="expected the digest"):
        utils.get_file(origin=source.as_uri(), file_hash=right, force_download=True)
    assert Path(path).read_bytes() == b"right"
    with pytest.warns(UserWarning, match="has another digest.*downloaded again"):
        utils.get_file(origin=source.as_uri(), md5_hash=hashlib.md5(b"other").hexdigest())
    assert Path(path).read_bytes() == b"other"
    mine = utils.get_file("mine.bin", source.as_uri(), cache_dir=home, cache_subdir="a/b")
    assert mine == str(home / "a" / "b" / "mine.bin")


def archive(path, kind):
    """An archive with a plain file, one that leads outside, and a link."""
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("in/a.txt", "a")
            made.writestr("../out.txt", "evil")
            link = zipfile.ZipInfo("link")
            link.external_attr = 0o120777 << 16
            made.writestr(link, "/etc/passwd")
        return
    with tarfile.open(path, "w:gz") as made:
        for name in ("in/a.txt", "../out.txt"):
            member = tarfile.TarInfo(name)
            member.size = 1
            made.addfile(member, io.BytesIO(b"a"))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_unpacks_what_stays_inside(home, tmp_path, kind):
    archive(tmp_path / "data.bin", kind)
    with pytest.warns(UserWarning, match="left out") as warned:
        folder = utils.get_file(origin=(tmp_path / "data.bin").as_uri(), extract=True)
    assert len(warned) == 2 and folder == str(home / "datasets" / "data.bin")
    found = sorted(str(p.relative_to(home)) for p in home.rglob("*") if not p.is_dir())
    assert found == ["datasets/data.bin/in/a.txt", "datasets/data.bin_archive"]
    with pytest.warns(UserWarning, match="left out"):
        named = utils.get_file("my.tgz", (tmp_path / "data.bin").as_uri(), extract=True)
    assert named == str(home / "datasets" / "my_extracted")


def test_what_does_not_fit(home, source):
    with pytest.raises(ArgumentError, match="the URL is missing"):
        utils.get_file("a.txt")
    for name in ("a/b.txt", ".."):
        with pytest.raises(ArgumentError, match="is no name of a file"):
            utils.get_file(name, source.as_uri())
    with pytest.raises(ArgumentError, match="is no name of a file"):
        utils.get_file(origin="https://example.com/")
    with pytest.raises(ArgumentError, match="hash_algorithm must be"):
        utils.get_file(origin=source.as_uri(), hash_algorithm="crc")
    with pytest.raises(DataError, match=r"cannot be downloaded to(.|\n)*put it at"):
        utils.get_file(origin="file:///no/such/file.bin")
    with pytest.warns(UserWarning, match="is no archive that can be unpacked"):
        utils.get_file(origin=source.as_uri(), extract=True)
