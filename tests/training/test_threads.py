"""Several Python threads that use one model."""

import threading

import numpy as np

import nbkeras
from nbkeras import layers


def test_threads_that_predict_with_one_model_get_their_own_results():
    nbkeras.utils.set_random_seed(0)
    model = nbkeras.Sequential([nbkeras.Input((8,)), layers.Dense(64, activation="tanh"), layers.Dense(3)])
    batches = [np.random.default_rng(i).standard_normal((5 + i % 2, 8)).astype("float32") for i in range(4)]
    expected = [model.predict_on_batch(x) for x in batches]
    wrong = []

    def work(i):
        for n in range(150):
            found = model.predict_on_batch(batches[i]) if n % 10 else model.predict(batches[i], verbose=0)
            if not np.array_equal(found, expected[i]):
                wrong.append((i, n))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_small_step_never_leaves_its_thread():
    """N23: helpers that would be woken for a launch of a few microseconds cost more than they do."""
    body = [layers.Dense(16, activation="relu"), layers.Dropout(0.5), layers.Dense(3)]
    model = nbkeras.Sequential([nbkeras.Input((8,)), *body])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.zeros((1, 8)), np.zeros((1, 3)), batch_size=1, verbose=0)
    (traced,) = model._untracked_steps["train"]._plans.values()
    assert len(traced.plan.steps) > 10
    assert all(step.items <= step.chunk for step in traced.plan.steps)
