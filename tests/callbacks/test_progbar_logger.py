"""`ProgbarLogger` shows what `fit`, `evaluate` and `predict` show by themselves, and they leave it to it."""

import re

import numpy as np
import pytest

import nbkeras as keras

X, Y = np.ones((6, 2), "float32"), np.ones((6, 1), "float32")


def model():
    built = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    built.compile("sgd", "mse")
    return built


def shown(capsys):
    """What was written, but for times."""
    return re.sub(r"\d+(ms|us|s)\b|\(\d+s compiling\) ", "", capsys.readouterr().out)


@pytest.mark.parametrize("verbose", [0, 2, "auto"])
def test_the_lines_are_those_of_the_loops(capsys, verbose):
    def run(**given):
        keras.utils.set_random_seed(0)
        tested = model()
        tested.fit(X, Y, batch_size=2, epochs=2, validation_split=0.5, verbose=verbose, **given)
        tested.evaluate(X, Y, verbose=verbose, **given)
        tested.predict(X, verbose=verbose, **given)

    run()
    expected = shown(capsys)
    run(callbacks=[keras.callbacks.ProgbarLogger()])
    assert shown(capsys) == expected
    assert expected.count("\n") == (0 if verbose == 0 else 4)


def test_a_list_adds_one_where_there_is_none():
    callbacks = keras.callbacks.CallbackList([], add_progbar=True)
    assert [type(c) for c in callbacks] == [keras.callbacks.ProgbarLogger]
    callbacks = keras.callbacks.CallbackList([keras.callbacks.ProgbarLogger()], add_progbar=True)
    assert len(callbacks) == 1
    assert len(keras.callbacks.CallbackList([])) == 0
