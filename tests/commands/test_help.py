"""Each command explains itself, and says plainly what it was given wrongly."""

import pytest

import nbkeras
from nbkeras.__main__ import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert "examples:" in text
    assert text.count(f"nbkeras {command}") >= 3


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"\n    {name} " in text for name in COMMANDS)


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"nbkeras {nbkeras.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["trian"], ["warmup", "--dtype", "float16"]])
def test_unknown_words_exit_with_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: nbkeras" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["demo", "--epochs", "0"], "nbkeras demo: --epochs: expected 1 or more, got 0."),
        (["warmup", "--model", "digits"], "did you mean 'digits-mlp'?"),
        (["warmup", "--jobs", "0"], "nbkeras warmup: --jobs: expected 1 or more, got 0."),
    ],
)
def test_values_that_make_no_sense(arguments, text, capsys):
    assert main(arguments) == 1
    assert text in capsys.readouterr().err


def test_demo_refuses_a_file_as_folder_before_training(tmp_path, capsys):
    taken = tmp_path / "file"
    taken.write_text("")
    assert main(["demo", "--output", str(taken)]) == 1
    assert "--output: expected a folder" in capsys.readouterr().err
