"""Plans: what fuses, what is copied, what is overwritten, and that the numbers stay those of the reference."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras.errors import GraphError
from nbkeras.graph import fuse, rewriting, trace
from nbkeras.graph.gradient import gradient
from nbkeras.graph.launches import chunk_of
from nbkeras.graph.plan import Plan
from nbkeras.graph.primitives import cast, emit, lift
from nbkeras.graph.traced import Traced
from nbkeras.graph.variable import Arena, Slot
from tests.graph.differences import check_gradients


def kernels(plan):
    return [step.kernel.name for step in plan.steps]


def dense_step(x, y, w1, b1, w2, b2):
    """Loss and gradients of two layers with softmax and cross-entropy."""
    h = emit("relu", emit("affine", x, w1, b1))
    p = emit("softmax", emit("affine", h, w2, b2), log=False)
    loss, _ = emit("softmax_crossentropy", p.node.inputs[0], y, epsilon=1e-7)
    mean = emit("multiply", emit("reduce", loss, axes=(0,), op="sum"), np.float32(1 / x.shape[0]))
    return mean, p, gradient(mean, [w1, b1, w2, b2])


def arrays_of(rows=5, features=4, hidden=3, classes=6):
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
    return [
        draw(rows, features),
        rng.integers(0, classes, rows),
        draw(features, hidden),
        draw(hidden),
        draw(hidden, classes),
        draw(classes),
    ]


def trace_of(function, arrays):
    with trace.Graph() as graph:
        symbols = [graph.input(a.shape, str(a.dtype)) for a in arrays]
        result = function(*symbols)
        graph.outputs = [s for part in result for s in (part if isinstance(part, list) else [part])]
    return graph


def test_a_dense_step_is_a_handful_of_launches():
    plan = Plan(trace_of(dense_step, arrays_of()))
    found = kernels(plan)
    assert found.count("matmul") == 5  # two forward, two for weights, one for the hidden layer
    assert "softmax" not in found  # the cross-entropy computes it
    assert found.count("softmax_crossentropy") == 1
    # relu runs in the product's epilogue, its derivative in the other's: what is left is the mean and its gradient.
    assert found.count("elementwise") <= 2
    assert len(found) <= 12, found


def test_a_dense_step_gives_the_references_numbers(monkeypatch):
    monkeypatch.setenv("NBKERAS_CHECK", "1")
    arrays = arrays_of(33, 31, 17, 10)
    plan = Plan(trace_of(dense_step, arrays))
    for buffer, array in zip(plan.inputs, arrays, strict=True):
        np.copyto(buffer, array)
    plan.run()


def test_check_names_the_step_that_differs(monkeypatch):
    from nbkeras.errors import KernelError
    from nbkeras.graph.primitives.table import TABLE

    monkeypatch.setenv("NBKERAS_CHECK", "1")
    row = TABLE["softmax"]
    wrong = type(row)(**{**row.__dict__, "reference": lambda x, log: x * 0})
    monkeypatch.setitem(TABLE, "softmax", wrong)
    expected = r"NBKERAS_CHECK: step 0 \(softmax, in the step\), output 0 at index \(0, 0\)"
    with pytest.raises(KernelError, match=expected):
        Traced(lambda x: emit("softmax", x, log=False))(np.ones((2, 3), np.float32))


def test_check_knows_what_rounding_costs_where_products_cancel(monkeypatch):
    """All results are next to nothing beside what was added up for them; a result that is off by more is still seen."""
    from nbkeras.errors import KernelError
    from nbkeras.graph.primitives.table import TABLE

    monkeypatch.setenv("NBKERAS_CHECK", "1")
    x = np.random.default_rng(0).normal(size=(8, 64))
    w = np.linalg.svd(x)[2][8:].T.astype(np.float32)  # columns at right angles to all rows of x
    x = x.astype(np.float32)
    product = Traced(lambda x, w: emit("affine", x, w))
    assert np.abs(product(x, w)).max() < 1e-5
    row = TABLE["affine"]
    wrong = type(row)(**{**row.__dict__, "reference": lambda x, w: row.reference(x, w) + np.float32(1e-4)})
    monkeypatch.setitem(TABLE, "affine", wrong)
    with pytest.raises(KernelError, match=r"NBKERAS_CHECK: step 0 \(matmul"):
        Traced(lambda x, w: emit("affine", x, w))(x, w)


def test_debug_prints_the_plan(monkeypatch, capsys):
    monkeypatch.setenv("NBKERAS_DEBUG", "1")
    Traced(lambda x: emit("exp", emit("negative", x)))(np.ones((2, 3), np.float32))
    text = capsys.readouterr().err
    assert "elementwise.f4" in text
    assert "f4[2, 3]" in text
    assert "1 launches" in text


def test_running_allocates_nothing(monkeypatch):
    import tracemalloc

    monkeypatch.delenv("NBKERAS_CHECK", raising=False)  # a checked run does
    arrays = arrays_of()
    plan = Plan(trace_of(dense_step, arrays))
    for buffer, array in zip(plan.inputs, arrays, strict=True):
        np.copyto(buffer, array)
    plan.run()
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    for _ in range(100):
        plan.run()
    after = tracemalloc.take_snapshot()
    tracemalloc.stop()
    grown = sum(d.size_diff for d in after.compare_to(before, "filename") if "tracemalloc" not in str(d))
    assert grown < 2000


def test_plans_share_their_temporary_memory():
    def steps(x):
        y = emit("affine", emit("exp", emit("affine", x, x)), x)
        return y, emit("pack", emit("sin", y), emit("cos", y), offsets=(0, y.size + 3), size=2 * y.size + 5)

    traced, found = Traced(steps), {}
    arrays = {n: np.random.default_rng(n).uniform(-0.1, 0.1, (n, n)) for n in (3, 40, 5, 80)}
    for _ in range(2):
        for n, x in arrays.items():
            y, flat = traced(x)
            again = found.setdefault(n, (y, flat))
            assert np.array_equal(again[0], y) and np.array_equal(again[1], flat)
            np.testing.assert_allclose(y, np.exp(x @ x) @ x, rtol=1e-9)
            np.testing.assert_allclose(flat[n * n + 3 : -2], np.cos(y).ravel(), rtol=1e-9)
            assert not flat[n * n : n * n + 3].any() and not flat[-2:].any()
    plans = [t.plan for t in traced.plans.values()]
    assert len({id(p.array(p.graph.inputs[0])) for p in plans}) == 4
    assert plans[0]._buffers.scratch is plans[1]._buffers.scratch
    assert plans[0]._buffers.scratch.bytes.size == max(p.temporary_bytes for p in plans)


def test_long_elementwise_chains_are_cut_where_registers_end():
    def wide(x):
        terms = [emit("sin", emit("add", x, np.float32(i))) for i in range(40)]
        total = terms[0]
        for term in terms[1:]:
            total = emit("multiply", total, term)
        return total

    x = np.linspace(0, 1, 5, dtype=np.float32)
    expected = np.prod([np.sin(x + i) for i in range(40)], axis=0)
    np.testing.assert_allclose(Traced(wide)(x), expected, rtol=1e-4, atol=1e-7)


def test_values_that_all_wait_for_each_other_need_a_cut():
    def wide(x):
        terms = [emit("sin", emit("add", x, np.float32(i))) for i in range(30)]
        total = np.float32(0)
        for term in terms[::-1]:
            total = emit("add", emit("multiply", total, np.float32(0.5)), term)
        for term in terms:
            total = emit("add", total, term)
        return total

    x = np.linspace(0, 1, 5, dtype=np.float32)
    total, terms = 0, [np.sin(x + i) for i in range(30)]
    for term in terms[::-1]:
        total = total * 0.5 + term
    np.testing.assert_allclose(Traced(wide)(x), total + sum(terms), rtol=1e-4, atol=1e-5)


class TestVariables:
    def test_read_then_write(self):
        v = Slot(np.arange(3, dtype=np.float32), "float32")

        def step(x):
            old = v.value
            v.assign(emit("add", old, x))
            return emit("multiply", old, np.float32(10)), v.value

        old, new = Traced(step)(np.ones(3, np.float32))
        np.testing.assert_array_equal(old, [0, 10, 20])
        np.testing.assert_array_equal(new, [1, 2, 3])
        np.testing.assert_array_equal(v.numpy(), [1, 2, 3])

    def test_old_value_read_after_the_new_one_was_made(self):
        v = Slot(np.array([2.0], np.float32), "float32")

        def step():
            old = v.value
            v.assign(emit("square", old))
            return emit("reduce", old, axes=(0,), op="sum")

        traced = Traced(step)
        assert [float(traced()) for _ in range(3)] == [2, 4, 16]

    @pytest.mark.parametrize("late", [False, True])
    def test_old_value_used_in_the_same_launch_that_makes_the_new_one(self, late):
        v = Slot(np.arange(700, dtype=np.float32), "float32")

        def step(x):
            old = v.value
            if not late:
                twice = emit("multiply", old, np.float32(2))
            new = emit("add", old, x)
            v.assign(new)
            if late:
                twice = emit("multiply", emit("broadcast_to", old, shape=old.shape), np.float32(2))
            return emit("subtract", new, twice)

        difference = Traced(step)(np.full(700, 5, np.float32))
        np.testing.assert_array_equal(v.numpy(), np.arange(700) + 5)
        np.testing.assert_array_equal(difference, 5 - np.arange(700))

    def test_swap(self):
        a, b = Slot(np.zeros(4, np.float32), "float32"), Slot(np.ones(4, np.float32), "float32")

        def step():
            first, second = a.value, b.value
            a.assign(second)
            b.assign(first)
            return emit("add", first, second)

        Traced(step)()
        assert a.numpy().tolist() == [1] * 4
        assert b.numpy().tolist() == [0] * 4

    def test_shifted_self_assignment(self):
        v = Slot(np.arange(5, dtype=np.float32), "float32")
        Traced(lambda: v.assign(emit("take", v.value, start=(4,), step=(-1,), shape=(5,))))()
        assert v.numpy().tolist() == [4, 3, 2, 1, 0]

    def test_assigned_twice(self):
        v = Slot(np.zeros(2, np.float32), "float32")

        def step():
            v.assign_add(np.float32([1, 1]))
            v.assign_add(np.float32([1, 2]))

        import nbkeras.ops  # noqa: F401 - operators

        Traced(step)()
        assert v.numpy().tolist() == [2, 3]

    def test_in_place_after_a_late_reader(self):
        counter, total = Slot(np.array(3), "int64"), Slot(np.zeros(()), "float32")

        def step():
            before = counter.value
            trace.current().values[counter] = emit("increment", before, amount=1)
            # This reads the old value, after the launch that overwrites it was emitted.
            total.assign(emit("cast", before, dtype="float32"))

        traced = Traced(step)
        traced()
        assert (int(counter), float(total)) == (4, 3)
        traced()
        assert (int(counter), float(total)) == (5, 4)

    def test_arena_moves_variables_and_plans_follow(self):
        a, b = Slot(np.ones((2, 3), np.float32), "float32"), Slot(np.full(5, 2, np.float32), "float32")
        total = Traced(lambda: emit("reduce", a.value, axes=(0, 1), op="sum"))
        assert float(total()) == 6
        arena = Arena([a, b])
        assert a.numpy().tolist() == [[1] * 3] * 2
        arena.array[:] = 7
        assert float(total()) == 42
        assert b.numpy().tolist() == [7] * 5

    def test_pack_places_gradients_without_copies(self):
        w, b = Slot(np.ones((3, 2), np.float32), "float32"), Slot(np.zeros(2, np.float32), "float32")
        arena = Arena([w, b])

        def step(x):
            y = emit("square", emit("affine", x, w.value, b.value))
            loss = emit("reduce", y, axes=(0, 1), op="sum")
            grads = gradient(loss, [w.value, b.value])
            return emit("pack", *grads, offsets=tuple(arena.offsets), size=arena.size)

        x = np.arange(12, dtype=np.float32).reshape(4, 3)
        traced = Traced(step)
        flat = traced(x)
        dy = 2 * (x @ np.ones((3, 2)))
        np.testing.assert_allclose(flat[:6].reshape(3, 2), x.T @ dy, rtol=1e-5)
        np.testing.assert_allclose(flat[16:18], dy.sum(0), rtol=1e-5)
        assert not flat[6:16].any()
        (only,) = traced.plans.values()
        assert "strided_copy" not in kernels(only.plan)

    def test_the_old_value_as_an_output_is_a_copy(self):
        v = Slot(np.arange(3, dtype=np.float32), "float32")

        def step(x):
            old = v.value
            v.assign(x)
            return old

        assert Traced(step)(np.ones(3, np.float32)).tolist() == [0, 1, 2]

    def test_a_variable_that_keeps_its_value_is_not_overwritten(self):
        v = Slot(np.array([-2, 2], np.float32), "float32")
        clip = Traced(lambda x: [emit("clip_values", y, limit=1.0) for y in (v, x, lift(np.float32([3, 0])))])
        for _ in range(2):
            assert [a.tolist() for a in clip(np.float32([0, 5]))] == [[-1, 1], [0, 1], [1, 0]]
        assert v.numpy().tolist() == [-2, 2]

    def test_the_new_value_of_one_variable_and_the_old_as_that_of_another(self):
        a, b = Slot(np.zeros(4, np.float32), "float32"), Slot(np.ones(4, np.float32), "float32")

        def step(x):
            old = a.value
            a.assign(emit("exp", x))
            b.assign(old)

        Traced(step)(np.zeros(4, np.float32))
        assert (a.numpy().tolist(), b.numpy().tolist()) == ([1] * 4, [0] * 4)

    def test_an_arenas_value_and_another_of_its_variable(self):
        a, b = Slot(np.zeros(16, np.float32), "float32"), Slot(np.zeros(16, np.float32), "float32")
        arena = Arena([a, b])

        def step(x):
            a.assign(emit("negative", x))
            new = emit("exp", emit("concatenate", x, x, axis=0))
            trace.current().write(arena, new)
            a.assign(emit("subtract", x, np.float32(1)))
            return new

        new = Traced(step)(np.zeros(16, np.float32))
        assert new.tolist() == [1] * 32
        assert (a.numpy().tolist(), b.numpy().tolist()) == ([-1] * 16, [1] * 16)

    def test_equal_nodes_of_which_one_is_packed_and_overwritten(self):
        def step(x):
            clipped = emit("clip_values", emit("pack", emit("exp", x), offsets=(0,), size=3), limit=0.5)
            return clipped, emit("reduce", emit("exp", x), axes=(0,), op="sum")

        clipped, total = Traced(step)(np.zeros(3, np.float32))
        assert (clipped.tolist(), float(total)) == ([0.5] * 3, 3)

    def test_an_activation_after_its_weights_changed(self):
        w = Slot(np.eye(2, dtype=np.float32), "float32")

        def step(x):
            y = emit("affine", x, w.value)
            trace.current().write(w, emit("clip_values", w.value, limit=0.5))
            return emit("relu", y), w.value

        y, new = Traced(step)(np.ones((1, 2), np.float32))
        assert (y.tolist(), new.tolist()) == ([[1, 1]], [[0.5, 0], [0, 0.5]])

    def test_an_output_that_is_packed_after_its_memory_was_overwritten(self):
        v = Slot(np.full(3, 2, np.float32), "float32")

        def step():
            old = v.value
            v.assign(emit("clip_values", old, limit=1.0))
            flat = emit("pack", old, offsets=(0,), size=3)
            return old, emit("clip_values", flat, limit=0.5)

        assert [a.tolist() for a in Traced(step)()] == [[2] * 3, [0.5] * 3]


def test_a_loss_whose_target_is_made_from_its_own_softmax():
    def step(x):
        target = emit("multiply", emit("softmax", x, log=False), np.float32(2))
        return emit("dense_softmax_crossentropy", x, target, epsilon=0.0)[0]

    np.testing.assert_allclose(Traced(step)(np.zeros((2, 4), np.float32)), [2 * np.log(4)] * 2, rtol=1e-5)


def test_gradient_of_a_tensor_that_is_no_number_is_an_error():
    with pytest.raises(GraphError, match=r"the loss must be one number, got shape \(2,\)"):
        Traced(lambda x: gradient(emit("square", x), [x]))(np.ones(2))


@pytest.mark.parametrize("items", [1, 7, 4095, 4096, 100_000, 10_000_000])
def test_chunks_cover_the_items_and_depend_on_nothing_else(items):
    for cost in (0.01, 1.0, 300.0):
        chunk = chunk_of(items, cost)
        assert chunk >= 1
        assert -(-items // chunk) <= 256
        assert items * cost > 20_000 or chunk >= items


def test_reading_the_value_of_a_symbol_is_an_error_with_advice():
    from nbkeras.errors import ArgumentTypeError

    with pytest.raises(ArgumentTypeError, match=r"use ops\.where or ops\.cond"):
        Traced(lambda x: 1 if emit("greater", x, np.float64(0)) else 0)(np.ones(()))


def test_equal_arguments_of_other_types_are_other_signatures():
    traced = Traced(lambda x, kind: emit("add", x, np.float32(isinstance(kind, bool))))
    assert [float(traced(np.zeros((), np.float32), kind)) for kind in (1, True, 1.0)] == [0, 1, 0]


def test_a_rewrite_that_changes_a_dtype_is_caught(monkeypatch):
    def wrong(nodes, graph):
        kept = [n for n in nodes if n.primitive.name != "cast"]
        rewriting.replace(kept, graph, {id(n.outputs[0]): n.inputs[0] for n in nodes if n not in kept})
        return kept

    monkeypatch.setattr(fuse, "REWRITES", (wrong,))
    with trace.Graph() as graph:
        graph.outputs = [cast(graph.input((3,), "float32"), "int32")]
    with pytest.raises(GraphError, match=r"dtype=float32> cannot take the place of .*dtype=int32>"):
        fuse.fuse(graph)


@pytest.mark.parametrize("turned", ["left", "right", "both"])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_products_read_transposed_matrices_where_they_lie(turned, batch):
    """In batches and not, with what is done behind the product, and for gradients of it."""
    swap = (*range(len(batch)), len(batch) + 1, len(batch))
    a_shape, b_shape = (5, 4) if turned != "right" else (4, 5), (3, 5) if turned != "left" else (5, 3)

    def product(a, b):
        a = nbkeras.ops.transpose(a, swap) if turned != "right" else a
        b = nbkeras.ops.transpose(b, swap) if turned != "left" else b
        return emit("relu", nbkeras.ops.matmul(a, b))

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(*batch, *a_shape)), rng.normal(size=(*batch, *b_shape))
    left, right = (np.swapaxes(x, -1, -2) if x.shape[-2:] != shape else x for x, shape in ((a, (4, 5)), (b, (5, 3))))
    traced = Traced(product)
    np.testing.assert_allclose(traced(a, b), np.maximum(left @ right, 0), rtol=1e-12)
    (made,) = traced.plans.values()
    assert kernels(made.plan) == (["matmul"] if not batch else ["matmul", "elementwise"])
    check_gradients(product, [a, b], rtol=1e-5, atol=1e-6)


def test_a_transpose_that_is_no_swap_of_rows_and_columns_stays():
    def heads(a, b):
        return nbkeras.ops.matmul(nbkeras.ops.transpose(a, (0, 2, 1, 3)), nbkeras.ops.transpose(b, (0, 2, 3, 1)))

    a, b = (np.random.default_rng(n).normal(size=(2, 5, 3, 4)) for n in range(2))
    np.testing.assert_allclose(Traced(heads)(a, b), a.transpose(0, 2, 1, 3) @ b.transpose(0, 2, 3, 1), rtol=1e-12)
