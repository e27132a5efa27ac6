"""`nbkeras info` shows what a bug report needs."""

from nbkeras.__main__ import main
from nbkeras.config import ENVIRONMENT


def test_sections_and_settings(capsys, monkeypatch):
    monkeypatch.setenv("NBKERAS_DEBUG", "1")
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    for title in ("Device", "Vectors", "Threads", "Cache", "Versions", "Settings"):
        assert f"\n{title}" in text
    for name in ENVIRONMENT:
        assert f"  {name} " in text
    assert "(unset)" in text
    assert any(line.split()[:2] == ["NBKERAS_DEBUG", "1"] for line in text.splitlines())


def test_short_is_one_line(capsys):
    assert main(["info", "--short"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
