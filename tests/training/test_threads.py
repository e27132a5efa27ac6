"""Several Python threads that use one model, and the threads that a model uses."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

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


#: Trains and predicts, then prints how many threads came with it and how long those that were there before were busy.
FIT = """
import os, time
import numpy as np

def busy():
    ticks = {}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/stat") as file:
            words = file.read().rpartition(")")[2].split()
        ticks[task] = int(words[11]) + int(words[12])
    return ticks

np.ones((512, 512), "float32") @ np.ones((512, 512), "float32")  # BLAS has its threads from here on
time.sleep(0.3)  # and they no longer look out for work
before = busy()
import nbkeras
from nbkeras import layers
x, y = np.ones((2048, 16, 16, 3), "float32"), np.zeros(2048, int)
model = nbkeras.Sequential([nbkeras.Input((16, 16, 3)), layers.Conv2D(32, 3, activation="relu"),
                            layers.MaxPooling2D(), layers.Flatten(), layers.Dense(256), layers.Dense(10)])
model.compile("adam", nbkeras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, epochs=2, verbose=0)
model.predict(x, verbose=0)
after = busy()
main = str(os.getpid())
others = sum(after[task] - ticks for task, ticks in before.items() if task != main)
print(len(after) - len(before), others, after[main] - before[main])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_training_leaves_the_threads_of_numpys_blas_asleep():
    """N25: two pools of threads would fight for the same cores."""
    environment = {**os.environ, "NBKERAS_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", FIT], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    came, others, own = map(int, done.stdout.split())
    assert came <= 1
    assert own > 5 and others <= 1, done.stdout
