"""How many threads: the table of N24, workers of pools, forks, Python threads, set_num_threads."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import nbkeras.errors as errors
from nbkeras.kernels import team, threads
from nbkeras.kernels.threads import Count, allowed, default, quota
from tests.kernels.launch import launch
from tests.kernels.sample import in_process, output, sample_add

ALLOWED = [
    # environment, affinity, quota, cores -> threads
    ({}, 8, None, 8, 8),
    ({}, 3, None, 8, 3),
    ({}, 8, 2.0, 8, 2),
    ({}, 8, 1.5, 8, 2),
    ({}, 8, 0.1, 8, 1),
    ({}, 8, 100.0, 8, 8),
    ({"SLURM_CPUS_PER_TASK": "4"}, 8, None, 8, 4),
    ({"SLURM_CPUS_PER_TASK": "16"}, 8, None, 8, 8),
    ({"SLURM_CPUS_PER_TASK": ""}, 8, None, 8, 8),
    ({"SLURM_CPUS_PER_TASK": "four"}, 8, None, 8, 8),
    ({"OMPI_COMM_WORLD_LOCAL_SIZE": "4"}, 8, None, 8, 2),  # not bound: shared
    ({"OMPI_COMM_WORLD_LOCAL_SIZE": "4"}, 2, None, 8, 2),  # bound by the launcher
    ({"OMPI_COMM_WORLD_LOCAL_SIZE": "16"}, 8, None, 8, 1),
    ({"MPI_LOCALNRANKS": "2"}, 8, 4.0, 8, 2),
    ({"SLURM_STEP_TASKS_PER_NODE": "2(x3),1"}, 8, None, 8, 4),
    ({"SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_CPUS_ON_NODE": "8"}, 8, None, 64, 4),  # a part of the node
    ({"SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_CPUS_ON_NODE": "8"}, 4, None, 64, 4),
    ({"SLURM_STEP_TASKS_PER_NODE": "4", "SLURM_CPUS_PER_TASK": "2"}, 8, None, 8, 2),
]


@pytest.mark.parametrize("environment, affinity, limit, cores, expected", ALLOWED)
def test_allowed(environment, affinity, limit, cores, expected):
    assert allowed(environment, affinity, limit, cores).threads == expected


DEFAULT = [
    ({}, False, 8),
    ({}, True, 1),
    ({"NBKERAS_NUM_THREADS": "3"}, False, 3),
    ({"NBKERAS_NUM_THREADS": "3"}, True, 3),
    ({"NBKERAS_NUM_THREADS": "300"}, False, 8),
    ({"NBKERAS_NUM_THREADS": ""}, False, 8),
    ({"NUMBA_NUM_THREADS": "2"}, True, 2),
    ({"NBKERAS_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "2"}, False, 3),
]


@pytest.mark.parametrize("environment, in_worker, expected", DEFAULT)
def test_default(environment, in_worker, expected):
    assert default(environment, Count(8, "cores"), in_worker).threads == expected


def test_quota_version_2(tmp_path):
    (tmp_path / "proc").write_text("0::/job/step\n")
    (tmp_path / "job/step").mkdir(parents=True)
    assert quota(tmp_path, tmp_path / "proc") is None
    (tmp_path / "job/step/cpu.max").write_text("max 100000\n")
    assert quota(tmp_path, tmp_path / "proc") is None
    (tmp_path / "job/cpu.max").write_text("250000 100000\n")  # a limit above counts too
    assert quota(tmp_path, tmp_path / "proc") == 2.5


def test_quota_version_1(tmp_path):
    (tmp_path / "proc").write_text("5:cpu,cpuacct:/job\n3:memory:/job\n")
    folder = tmp_path / "cpu,cpuacct/job"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("-1\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert quota(tmp_path, tmp_path / "proc") is None
    (folder / "cpu.cfs_quota_us").write_text("150000\n")
    assert quota(tmp_path, tmp_path / "proc") == 1.5


def test_quota_inside_a_container(tmp_path):
    """The path of the group is the host's; what is mounted is the group itself."""
    (tmp_path / "proc").write_text("0::/docker/0123abc\n")
    (tmp_path / "cpu.max").write_text("300000 100000\n")
    assert quota(tmp_path, tmp_path / "proc") == 3.0


def test_no_cgroups(tmp_path):
    assert quota(tmp_path, tmp_path / "nothing") is None


@pytest.fixture
def four_allowed(monkeypatch):
    monkeypatch.setattr(threads, "_most", Count(4, "test"))
    monkeypatch.setattr(threads, "_wanted", Count(4, "test"))
    monkeypatch.setattr(threads, "_warned", False)
    yield
    threads.ready = False


def test_set_num_threads(four_allowed):
    threads.set_num_threads(3)
    with threads.set_num_threads(2):
        assert threads.get_num_threads() == 2
        y = np.zeros(100)
        launch(sample_add, "f8", y, 1.0, items=100, chunk=3)
        assert (y == 1).all()
        assert threads._team.state[team.ACTIVE] == 2
    assert threads.get_num_threads() == 3


def test_more_than_allowed_is_lowered_with_one_warning(four_allowed):
    with pytest.warns(RuntimeWarning, match="100 threads asked for, but this process may use 4"):
        threads.set_num_threads(100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        threads.set_num_threads(50)
    assert threads.get_num_threads() == 4


@pytest.mark.parametrize("count", (0, -1, 1.5, True))
def test_set_num_threads_of_nonsense(count):
    with pytest.raises(errors.ArgumentError, match="whole number of at least 1"):
        threads.set_num_threads(count)


def test_environment_variable_of_nonsense():
    code = "from nbkeras.kernels import threads; threads.get_num_threads()"
    done = in_process(code, None, NBKERAS_NUM_THREADS="many")
    assert "NBKERAS_NUM_THREADS: expected a whole number of at least 1, got 'many'" in done.stderr


def test_describe():
    assert set(threads.describe()) == {"threads", "processors allowed", "threading layer"}


FORKS = """
import os
import numpy as np
from nbkeras.kernels import threads
from tests.kernels.launch import launch
from tests.kernels.sample import sample_add
y = np.zeros(1000)
def once():
    launch(sample_add, "f8", y, 1.0, items=1000, chunk=10)
once()
for _ in range(3):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            once()
            status = 0 if (y == 2).all() and threads._team.helpers == threads.get_num_threads() - 1 else 2
        finally:
            os._exit(status)
    print(os.waitpid(child, 0)[1], end=" ")
once()
print((y == 2).all())
"""


def test_fork_after_launches():
    """N20: helpers don't survive a fork; the child runs with helpers of its own."""
    assert output(FORKS, None) == "0 0 0 True"


WORKERS = """
import multiprocessing, os, sys
from nbkeras.kernels import team, threads
if __name__ == "__main__":
    os.environ.pop("NUMBA_NUM_THREADS", None)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.apply(threads.get_num_threads), end=" ")
    threads.set_num_threads(1 + (threads.get_num_threads() > 1))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.apply(threads.get_num_threads) == threads.get_num_threads())
"""


def test_workers_of_a_pool_use_one_thread():
    assert output(WORKERS, None, NBKERAS_NUM_THREADS="") == "1 True"


STARTS = """
import os, sys
def tasks():
    return len(os.listdir("/proc/self/task"))
import numpy, numba
from numba.core import event
recorder = event.RecordingListener()
event.register("numba:compile", recorder)
before = tasks()
import nbkeras
from nbkeras import device
device.name()
backend = device.backend()
from nbkeras.kernels import _jit, runner, threads
assert not recorder.buffer and not _jit.COMPILED, "import compiled"
y = backend.empty(64, "float64")
y[:] = 0
from tests.kernels.sample import sample_add
runner.Program([(sample_add, "f8", (y, 1.0), 64, 64)]).run()
print(tasks() - before, end=" ")
runner.Program([(sample_add, "f8", (y, 1.0), 64, 8)]).run()
assert (y == 2).all()
print(tasks() - before == threads.get_num_threads() - 1)
"""


def test_threads_start_with_the_first_shared_launch():
    """N1: an import, and tiny work, start no thread and compile nothing."""
    assert output(STARTS, None) == "0 True"


def test_no_runtime_of_others_is_loaded():
    """N19: kernels run by threads of our own, so no libgomp, libomp, tbb or compiler is needed or started."""
    code = """
import os, subprocess
subprocess.Popen = None  # nothing may be started
os.environ["PATH"] = ""
import numpy as np, nbkeras as keras
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(256, activation="relu"), keras.layers.Dense(4)])
model.compile("adam", "mse")
x = np.ones((512, 64), "float32")
model.fit(x, np.ones((512, 4), "float32"), batch_size=256, verbose=0)
loaded = open("/proc/self/maps").read()
print([name for name in ("libgomp", "libomp", "libiomp", "libtbb", "workqueue", "omppool") if name in loaded])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
