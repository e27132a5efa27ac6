"""CSVLogger: the file, byte for byte."""

import numpy as np
import pytest

from nbkeras.callbacks import CSVLogger, LambdaCallback
from tests.callbacks.fakes import FakeModel, fit

LOGS = [{"loss": 1.0, "val_loss": 0.5}, {"loss": 0.25, "val_loss": 2.0}]


def test_each_line_is_on_disk_when_its_epoch_ends(tmp_path):
    path = tmp_path / "log.csv"
    sizes = []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: sizes.append(path.read_bytes().count(b"\n")))
    fit(FakeModel(), [CSVLogger(path), look], LOGS)
    assert sizes == [2, 3]
    assert path.read_bytes() == b"epoch,loss,val_loss\r\n0,1.0,0.5\r\n1,0.25,2.0\r\n"


def test_append_goes_on_and_overwrite_starts_anew(tmp_path):
    path = tmp_path / "log.csv"
    for _ in range(2):
        fit(FakeModel(), [CSVLogger(path, separator=";", append=True)], LOGS[:1])
    assert path.read_text().split() == ["epoch;loss;val_loss", "0;1.0;0.5", "0;1.0;0.5"]
    fit(FakeModel(), [CSVLogger(path)], LOGS[:1])
    assert path.read_text().split() == ["epoch,loss,val_loss", "0,1.0,0.5"]


def test_validation_that_comes_later_has_columns_and_missing_values_are_na(tmp_path):
    path = tmp_path / "log.csv"
    fit(FakeModel(), [CSVLogger(path)], [{"loss": 1.0}, LOGS[1]])
    assert path.read_text().split() == ["epoch,loss,val_loss", "0,1.0,NA", "1,0.25,2.0"]


def test_arrays_are_written_as_lists(tmp_path):
    path = tmp_path / "log.csv"
    fit(FakeModel(), [CSVLogger(path)], [{"loss": np.array([1, 2]), "val_loss": "text"}])
    assert path.read_text().splitlines()[1] == '0,"""[1, 2]""",text'


def test_appending_other_logs_warns_and_keeps_the_columns(tmp_path):
    path = tmp_path / "log.csv"
    fit(FakeModel(), [CSVLogger(path)], LOGS[:1])
    with pytest.warns(UserWarning, match=r"has no columns for accuracy, which are left out"):
        fit(FakeModel(), [CSVLogger(path, append=True)], [{"accuracy": 1.0, "loss": 3.0}])
    assert path.read_text().split()[-1] == "0,3.0,NA"


def test_unwritable_path_fails_before_training(tmp_path):
    with pytest.raises(FileNotFoundError):
        fit(FakeModel(), [CSVLogger(tmp_path / "none" / "log.csv")], LOGS)


@pytest.mark.oracle
@pytest.mark.parametrize("logs", [LOGS, [{"loss": 1.0}, LOGS[1]], [{"loss": np.array([1.0, 2.0]), "a": 1e-7}]])
def test_file_matches_real_keras(logs, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    fit(FakeModel(), [CSVLogger(tmp_path / "ours")], logs)
    fit(FakeModel(), [keras.callbacks.CSVLogger(tmp_path / "theirs")], logs)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
