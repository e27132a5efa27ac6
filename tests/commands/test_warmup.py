"""`nbkeras warmup` compiles in processes of its own and goes on past a kernel that fails."""

import pytest

from nbkeras.commands import warmup
from nbkeras.kernels import registry


def test_tasks_are_every_kernel_for_every_dtype():
    tasks = warmup._tasks([], ["float32", "float64"])
    assert len(tasks) == len(set(tasks)) == 2 * len(registry())


def test_one_kernel_in_a_fresh_process():
    name = next(iter(registry()))
    ((outcome,),) = warmup.compile_all([("kernel", name, "float32")], jobs=2)
    assert outcome[:2] == (name, "float32")
    assert outcome[3] == ""


def test_a_failure_is_reported_beside_the_others():
    ((name, dtype, seconds, reason),) = warmup._do(("kernel", "no_such_kernel", "float32"))
    assert (name, dtype, seconds) == ("no_such_kernel", "float32", 0.0)
    assert "no_such_kernel" in reason


@pytest.mark.slow
@pytest.mark.parametrize("model", warmup.MODELS)
def test_models_train(model):
    assert [reason for *_, reason in warmup._do(("model", model, "float32")) if reason] == []
