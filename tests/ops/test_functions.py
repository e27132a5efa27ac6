"""Functions that take functions, differ from Keras on purpose, or have parts that arrays do not show; error texts."""

from __future__ import annotations

import numpy as np
import pytest

import nbkeras
from nbkeras import Variable, grad, ops
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError
from nbkeras.graph.gradient import gradient
from nbkeras.graph.traced import Traced
from tests.ops.draw import f, i, pos, spd

X = f(4, 3)


@pytest.fixture
def keras_ops():
    return pytest.importorskip("keras", reason="the extra 'oracle' is not installed").ops


def test_sparsemax_sums_to_one():
    # Keras 3.15 sums over its support only the places where the running sum is kept, but divides by all: 0.23 here.
    x = np.array([[0.1, 0.2, 0.3], [0.0, 0.5, 2.0]], "float32")
    np.testing.assert_allclose(ops.sparsemax(x), [[0.7 / 3, 1 / 3, 1.3 / 3], [0, 0, 1]], rtol=1e-6)
    np.testing.assert_allclose(ops.sparsemax(X.T, axis=0).sum(0), 1, rtol=1e-6)


def test_argpartition_puts_smaller_values_before():
    order = ops.argpartition(X, 1)
    values = np.take_along_axis(X, order, -1)
    assert (values[:, :1] <= values[:, 1:2]).all() and (values[:, 1:2] <= values[:, 2:]).all()


def test_where_of_a_condition_alone():
    rows, columns = ops.where(X > 0)
    np.testing.assert_array_equal(np.stack([rows, columns]), np.nonzero(X > 0))
    assert rows.dtype == "int32"


def test_bessel_function_in_double_precision_and_its_slope():
    x = np.array([-700.0, -20.0, -8.001, -1.0, 0.0, 0.5, 7.999, 30.0, 650.0])
    np.testing.assert_allclose(ops.i0(x), np.i0(x), rtol=1e-13)
    near = x[1:-1]
    slope = grad(lambda x: ops.sum(ops.i0(x)))(near)
    np.testing.assert_allclose(slope, (np.i0(near + 1e-6) - np.i0(near - 1e-6)) / 2e-6, rtol=1e-6, atol=1e-8)


def test_steps_of_traced_ends():
    values, step = Traced(lambda a, b: ops.linspace(a, b, 4, retstep=True))(f(2), f(2) + 3)
    np.testing.assert_allclose(np.diff(values, axis=0), np.stack([step] * 3), rtol=1e-5)


@pytest.mark.parametrize(("axis", "shape"), [(-1, (2, 4, 5)), (1, (2, 3, 4)), (2, (2, 5, 4))])
def test_multi_hot_of_more_than_a_row(axis, shape):
    """As Keras has it: what is gone is always axis 1 of the one-hot codes."""
    x = i(2, 3, 4, low=0, high=4)
    got = ops.multi_hot(x, 5, axis)
    assert got.shape == shape
    np.testing.assert_array_equal(got, np.moveaxis(np.eye(5)[x], -1, axis).max(1))


def test_dtypes_that_stay_or_grow():
    assert ops.max(np.array([True]), initial=1).dtype == "bool"
    assert ops.min(i(3), initial=2.5).dtype == "int32"
    many = np.full((2, 100), 100, "int8")
    np.testing.assert_array_equal(ops.einsum("ij,kj->ik", many, many), np.full((2, 2), 10**6, "int32"))
    np.testing.assert_array_equal(ops.bincount(np.array([1, 3], "uint8"), minlength=2), [0, 1, 0, 1])
    assert ops.bincount(np.zeros(0, "uint8"), minlength=2).tolist() == [0, 0]


def test_converted_numbers_are_ones_own():
    x = ops.ones(2)
    ops.convert_to_numpy(x)[0] = 5
    np.testing.assert_array_equal(x, [1, 1])
    variable = Variable([1.0])
    before = ops.convert_to_numpy(variable.value)
    variable.assign([2.0])
    np.testing.assert_array_equal(before, [1])


def test_concatenate_without_an_axis():
    np.testing.assert_array_equal(ops.concatenate([X, X[0]], axis=None), np.concatenate([X, X[0]], axis=None))


def test_argsort_of_a_lone_number():
    np.testing.assert_array_equal(ops.argsort(3.0), [0])


def test_affine_is_a_matrix_product_and_a_bias():
    kernel, bias = f(3, 2), f(2)
    np.testing.assert_allclose(ops.affine(X, kernel, bias), X @ kernel + bias, rtol=1e-5, atol=1e-6)


def test_mish():
    np.testing.assert_allclose(ops.mish(X), X * np.tanh(np.log1p(np.exp(X))), rtol=1e-5, atol=1e-6)


def test_lists_have_the_default_dtypes():
    assert [str(ops.unique(x).dtype) for x in ([3, 1], [1.5, 0.5], np.array([1.5]))] == ["int32", "float32", "float64"]


def test_arrays_of_dtypes_without_kernels():
    half = X.astype("float16")
    assert ops.cast(half, "float32").dtype == np.float32
    np.testing.assert_array_equal(ops.convert_to_tensor(half, "float64"), half)
    np.testing.assert_array_equal(ops.add(X.astype(">f4"), 1), X + 1)
    np.testing.assert_array_equal(Traced(lambda x: x + X.astype(">f4"))(X), X + X)
    for strange in (half, np.array(["a"])):
        with pytest.raises(ArgumentTypeError, match=r"arrays of dtype .* are not supported"):
            ops.exp(strange)


def test_is_tensor():
    assert ops.is_tensor(X) and not ops.is_tensor(1.0) and not ops.is_tensor([1.0])


def test_conversion():
    assert ops.convert_to_numpy(ops.add(X, 1)).dtype == "float32"
    assert ops.empty((2, 3)).shape == (2, 3)
    with pytest.raises(ArgumentTypeError, match="expected numbers, got 'x' of type str"):
        ops.convert_to_tensor("x")
    with pytest.raises(ArgumentError, match="regular nest"):
        ops.convert_to_tensor([[1.0], [2.0, 3.0]])


@pytest.mark.parametrize("flag", [True, False])
def test_cond(flag):
    def choose(p):
        return ops.cond(p, lambda: ops.add(X, 1), lambda: ops.multiply(X, 2))

    expected = X + 1 if flag else X * 2
    np.testing.assert_allclose(choose(np.array(flag)), expected)
    np.testing.assert_allclose(Traced(choose)(np.array(flag)), expected)


@pytest.mark.parametrize("number, expected", [(-3, 1), (0, 1), (1, 2), (2, 3), (9, 3)])
def test_switch(number, expected):
    def choose(k):
        return ops.switch(k, [lambda v, n=n: ops.multiply(v, n) for n in (1, 2, 3)], X)

    np.testing.assert_allclose(choose(np.array(number)), X * expected)
    np.testing.assert_allclose(Traced(choose)(np.array(number)), X * expected)


def test_loops():
    carry, ys = ops.scan(lambda c, x: (ops.add(c, x), ops.multiply(c, 2)), np.zeros(3, "float32"), X)
    np.testing.assert_allclose(carry, X.sum(0), rtol=1e-6, atol=1e-6)
    assert ys.shape == (4, 3)
    np.testing.assert_allclose(ops.fori_loop(0, 3, lambda i, v: ops.add(v, i), X), X + 3)
    np.testing.assert_allclose(ops.map(lambda row: ops.sum(row), X), X.sum(1), rtol=1e-6)
    np.testing.assert_allclose(ops.vectorized_map(lambda row: ops.multiply(row, 2), X), X * 2)
    assert ops.while_loop(lambda n, s: n < 4, lambda n, s: (n + 1, s + n), (0, 0)) == (4, 6)
    assert ops.while_loop(lambda n: n < 10, lambda n: n + 1, 0, maximum_iterations=3) == 3


def test_while_of_traced_numbers():
    def halve(x, turns):
        return x / 2, turns + 1

    def loop(x, most=None):
        return ops.while_loop(lambda x, _: ops.max(x) > 1, halve, (x, 0), most)

    for x, most in ((f(3) + 9, 6), (f(3) + 9, 2), (f(3) / 100, 6)):
        expected = loop(x, most)
        entry = nbkeras.Input(batch_shape=(3,))
        model = nbkeras.Model(entry, list(loop(entry, most)))
        for got in (Traced(lambda x, most=most: loop(x, most))(x), model(x)):
            np.testing.assert_allclose(got[0], expected[0])
            assert int(got[1]) == expected[1]
    for bare in (Traced(loop), lambda x: loop(nbkeras.Input((3,)))):
        with pytest.raises(ArgumentError, match=r"while_loop: the condition has no value .*\n.*maximum_iterations"):
            bare(f(3))


def test_associative_scan():
    for reverse in (False, True):
        got = ops.associative_scan(ops.add, X, reverse=reverse)
        expected = np.flip(np.cumsum(np.flip(X, 0), 0), 0) if reverse else np.cumsum(X, 0)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_parts_at_traced_places():
    block = f(2, 2)
    for start in ((1, 0), (3, 2), (0, 1)):
        place = np.array(start)
        expected = ops.slice(X, start, (2, 2))
        np.testing.assert_array_equal(Traced(lambda x, p: ops.slice(x, p, (2, 2)))(X, place), expected)
        expected = ops.slice_update(X, start, block)
        np.testing.assert_array_equal(Traced(ops.slice_update)(X, place, block), expected)


def test_scatter_update_last_row_wins():
    got = ops.scatter_update(np.zeros(4, "float32"), [[1], [3], [1]], np.array([5.0, 6.0, 7.0], "float32"))
    assert got.tolist() == [0, 7, 0, 6]


def test_getitem_of_masks_and_operators():
    rows = np.array([True, False, True, True])
    np.testing.assert_array_equal(ops.getitem(X, rows), X[rows])
    np.testing.assert_array_equal(Traced(lambda x: x[:, ::2] * 2 - x[..., :1])(X), X[:, ::2] * 2 - X[..., :1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 5, 5), (2, 6, 3), (2, 3, 6), (1, 1), (20, 20), (2, 0, 3)])
def test_eigenvalues_and_singular_values(shape, dtype):
    close = {"rtol": 1e-4, "atol": 2e-5} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-12}
    x = f(*shape).astype(dtype)
    if len(shape) == 3 and shape[-1] > 2 and shape[-2]:
        x[0, :, 1] = x[0, :, 0] * 2  # of lower rank
    for full in (False, True):
        u, s, vt = ops.svd(x, full_matrices=full)
        expected = np.linalg.svd(x.astype("float64"), full_matrices=full)
        assert [a.shape for a in (u, s, vt)] == [a.shape for a in expected]
        np.testing.assert_allclose(s, expected[1], **close)
        r = s.shape[-1]
        np.testing.assert_allclose(u[..., :r] * s[..., None, :] @ vt[..., :r, :], x, **close)
        for q in (u, np.swapaxes(vt, -1, -2)):
            identity = np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], q.shape[-1], q.shape[-1]))
            np.testing.assert_allclose(np.swapaxes(q, -1, -2) @ q, identity, **close)
    np.testing.assert_array_equal(ops.svd(x, compute_uv=False), s)
    if shape[-1] == shape[-2]:
        values, vectors = ops.eigh(x)
        symmetric = (x + np.swapaxes(x, -1, -2)) / 2
        np.testing.assert_allclose(values, np.linalg.eigvalsh(symmetric.astype("float64")), **close)
        np.testing.assert_allclose(symmetric @ vectors, vectors * values[..., None, :], **close)


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_beam_search(keras_ops):
    x, lengths = f(4, 6, 4), np.array([6, 5, 3, 6], "int32")
    options = {"strategy": "beam_search", "beam_width": 30, "top_paths": 3, "mask_index": 0}
    paths, scores = ops.ctc_decode(x, lengths, **options)
    expected_paths, expected = keras_ops.ctc_decode(x, lengths, **options)
    np.testing.assert_array_equal(paths, expected_paths)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_gradients_of_ones_own():
    @ops.custom_gradient
    def scaled(x, pair):
        def rule(upstream):
            return ops.multiply(upstream[0], 10), (ops.multiply(upstream[1], pair[0]), ops.zeros_like(pair[1]))

        return [ops.add(x, pair[0]), ops.multiply(pair[0], pair[1])], rule

    arguments = X, (f(4, 3), f(4, 3))
    first, second = scaled(*arguments)
    np.testing.assert_array_equal(first, X + arguments[1][0])
    np.testing.assert_array_equal(second, arguments[1][0] * arguments[1][1])

    def slopes(x, a, b):
        first, second = scaled(x, (a, b))
        return gradient(ops.sum(first + 3 * second), [x, a, b])

    dx, da, db = Traced(slopes)(X, *arguments[1])
    np.testing.assert_array_equal(dx, np.full_like(X, 10))
    np.testing.assert_array_equal(da, 3 * arguments[1][0])
    np.testing.assert_array_equal(db, np.zeros_like(X))


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")
def test_derivatives_along_directions(keras_ops):
    def both(o, x, w):
        return {"y": o.tanh(o.matmul(x, w) / 4), "z": o.sum(o.square(x))}  # tanh's slope cancels where it is flat

    points, ways = (X, f(3, 2)), (f(4, 3), f(3, 2))
    for has_aux in (False, True):

        def call(o, has_aux=has_aux):
            def fun(x, w):
                return (both(o, x, w), 7.0) if has_aux else both(o, x, w)

            return o.jvp(fun, points, ways, has_aux=has_aux)

        got, expected = call(ops), call(keras_ops)
        assert len(got) == len(expected) and (not has_aux or got[2] == 7.0)
        for a, e in zip(got[:2], expected[:2], strict=True):
            for key in "yz":
                np.testing.assert_allclose(a[key], e[key], rtol=1e-5, atol=1e-6)


def test_vectorize():
    rows = ops.vectorize(lambda m, v: ops.matmul(m, v), signature="(m,n),(n)->(m)")(f(2, 1, 4, 3), X[:, :])
    assert rows.shape == (2, 4, 4)
    fixed = ops.vectorize(lambda a, b: a * b[1], excluded={1})(X, [2, 3])
    np.testing.assert_allclose(fixed, X * 3)
    with pytest.raises(ArgumentError, match="expected a callable"):
        ops.vectorize(3)


@pytest.mark.parametrize("name", ["cholesky", "inv", "det", "slogdet", "qr", "svd", "eigh", "lu_factor"])
def test_factors_in_double_precision(name):
    x = spd(3, 5).astype("float64")
    got = ops.svd(x)[1] if name == "svd" else ops.eigh(x)[0] if name == "eigh" else getattr(ops, name)(x)
    if name == "lu_factor":
        lower, upper = np.tril(got[0], -1) + np.eye(5), np.triu(got[0])
        got, expected = np.sort(lower @ upper, 1), np.sort(x, 1)
    else:
        function = {"svd": np.linalg.svdvals, "eigh": np.linalg.eigvalsh}.get(name) or getattr(np.linalg, name)
        expected = function(x)
    if name not in ("slogdet", "qr"):
        got, expected = [got], [expected]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


BAD = {
    "broadcast": (lambda: ops.add(f(2, 3), f(4)), ShapeError, r"add: shapes \(2, 3\) and \(4,\) do not broadcast"),
    "matmul": (lambda: ops.matmul(f(2, 3), f(2, 3)), ShapeError, r"do not fit: 3 columns against 2 rows"),
    "reshape": (lambda: ops.reshape(X, (5, -1)), ShapeError, r"\(4, 3\) with 12 elements does not fit \(5, -1\)"),
    "two open": (lambda: ops.reshape(X, (-1, -1)), ShapeError, "only one axis may be -1"),
    "axis": (lambda: ops.sum(X, axis=2), ArgumentError, "axis 2 is out of range for a tensor of rank 2"),
    "squeeze": (lambda: ops.squeeze(X, 0), ShapeError, r"axis 0 of \(4, 3\) has length 4, not 1"),
    "split": (lambda: ops.split(X, 3), ShapeError, "axis 0 of length 4 is not divisible by 3"),
    "concatenate": (lambda: ops.concatenate([X, f(4, 2)]), ShapeError, "differ in an axis other than 0"),
    "nothing": (lambda: ops.concatenate([]), ArgumentError, "concatenate: expected at least one tensor"),
    "transpose": (lambda: ops.transpose(X, (0, 0)), ArgumentError, "are no permutation of the 2 axes"),
    "top_k": (lambda: ops.top_k(X, 4), ArgumentError, "top_k: k must lie between 0 and"),
    "max of nothing": (lambda: ops.max(f(0, 3)), ArgumentError, "max of an empty tensor"),
    "index": (lambda: ops.getitem(X, 4), ArgumentError, r"index 4 is out of range for axis 0 of \(4, 3\)"),
    "indices": (lambda: ops.getitem(X, (0, 0, 0)), ArgumentError, "3 indices for a tensor of rank 2"),
    "pad mode": (lambda: ops.pad(X, 1, "edge"), ArgumentError, "constant, reflect or symmetric, got 'edge'"),
    "norm": (lambda: ops.norm(X, "max"), ArgumentError, "ord='max' of matrices is not"),
    "cholesky": (lambda: ops.cholesky(-np.eye(2)), ArgumentError, "not positive definite"),
    "stride": (lambda: ops.extract_sequences(X, 2, 0), ArgumentError, "sequence_stride must be a whole number from 1"),
    "slice": (lambda: ops.slice(X, (0, 0), (1,)), ArgumentError, "a shape of 1 axes for a tensor of rank 2"),
    "square": (lambda: ops.inv(f(2, 3)), ShapeError, r"inv: expected square matrices, got shape \(2, 3\)"),
    "sides": (lambda: ops.solve(f(3, 3), f(2, 1)), ShapeError, "do not fit"),
    "qr": (lambda: ops.qr(X, "raw"), ArgumentError, "mode must be 'reduced' or 'complete'"),
    "vector": (lambda: ops.svd(f(3)), ShapeError, "rank >= 2"),
    "quantile": (lambda: ops.quantile(X, 0.5, method="x"), ArgumentError, "method must be one of linear"),
    "string": (lambda: ops.add(X, "a"), ArgumentTypeError, "expected a tensor or number, got 'a' of type str"),
    "dtype": (lambda: ops.cast(X, "float16"), ArgumentError, "dtype: expected one of"),
    "target": (
        lambda: ops.sparse_categorical_crossentropy(i(3, low=0, high=2), pos(4, 2)),
        ShapeError,
        "one-hot targets go with categorical_crossentropy",
    ),
    "softmax": (lambda: ops.softmax(X, axis=5), ArgumentError, "softmax: axis 5 is out of range .* rank 2"),
    "softmax axes": (lambda: ops.log_softmax(X, axis=(0, 7)), ArgumentError, "log_softmax: axis 7 is out of range"),
    "tensordot": (lambda: ops.tensordot(X, X, axes=[[5], [0]]), ArgumentError, "tensordot: axis 5 is out of range"),
    "classes": (
        lambda: ops.sparse_categorical_crossentropy(i(4, low=0, high=2), pos(4, 2), axis=7),
        ArgumentError,
        "axis 7 is out of range for a tensor of rank 2",
    ),
    "axes": (lambda: ops.mean(X, axis=(0, -2)), ArgumentError, r"axes \(0, -2\) name one axis .* more than once"),
    "axis of a reduction": (lambda: ops.sum(X, axis="a"), ArgumentTypeError, "whole number, several, or None, got 'a'"),
    "tensor as an axis": (lambda: ops.concatenate(X, X), ArgumentTypeError, "axis must be a whole number, got array"),
    "shape": (lambda: ops.zeros((None, 3)), ArgumentTypeError, r"zeros: a shape must be .* got \(None, 3\)"),
    "axes of argmax": (lambda: ops.argmax(X, axis=(0, 1)), ArgumentTypeError, r"argmax: axis must be .*\(0, 1\)"),
    "where": (lambda: ops.where(X > 0, X), ArgumentError, "where: expected both x1 and x2, or neither"),
    "kth": (lambda: ops.argpartition(X, (0, 1)), ArgumentError, r"kth must be a whole number, got \(0, 1\)"),
    "repeats": (lambda: ops.repeat(X, [1, 2], 0), ShapeError, r"2 numbers of repeats for axis 0 of \(4, 3\)"),
    "two ellipses": (lambda: ops.getitem(X, (..., 0, ...)), ArgumentError, "one Ellipsis at"),
    "lengths": (lambda: ops.tensordot(X, X, 1), ShapeError, r"tensordot: axes \[1\] of .* and \[0\] of .* differ"),
    "indices along": (lambda: ops.take_along_axis(X, i(3, 3), 1), ShapeError, "do not broadcast but for axis 1"),
    "window of a number": (lambda: ops.extract_sequences(3.0, 1, 1), ShapeError, r"rank 1 or more, got shape \(\)"),
    "transform of a number": (lambda: ops.rfft(3.0), ShapeError, r"rfft: .* rank 1 or more, got shape \(\)"),
    "half a step": (lambda: ops.stft(X, 2, 1.5, 2), ArgumentError, "sequence_stride must be a whole number from 1 on"),
    "no step": (lambda: ops.istft((X, X), 2, 0, 4), ArgumentError, "istft: sequence_stride must be .*, got 0"),
    "block": (lambda: ops.depth_to_space(f(1, 2, 2, 4), 1), ArgumentError, "block_size must be .* from 2 on, got 1"),
    "sparse": (lambda: ops.multi_hot([0], 3, sparse=True), ArgumentError, "sparse=True is not supported"),
    "weights": (lambda: ops.average(X, weights=np.ones(3)), ArgumentError, r"weights of shape \(3,\) .* need an axis"),
    "text as a shape": (lambda: ops.reshape(X, "ab"), ArgumentTypeError, "reshape: a shape must be .* got 'ab'"),
    "tracing": (lambda: Traced(ops.nonzero)(X), ArgumentTypeError, "the shape of its result depends on values"),
    "truth": (lambda: Traced(lambda x: 1 if x > 0 else 2)(X), ArgumentTypeError, "use ops.where or ops.cond"),
}


@pytest.mark.parametrize("name", BAD)
def test_error(name):
    call, kind, text = BAD[name]
    with pytest.raises(kind, match=text):
        call()


EINSUMS = "ij,jk->ik ij,jk ij,ij->i ii->i ...i,i->... bij,bkj->bik i,j->ij ij,jk,kl->il ...ij->...ji".split()


@pytest.mark.parametrize("subscripts", EINSUMS)
@pytest.mark.parametrize("seed", range(4))
def test_einsum_with_axes_of_length_one(subscripts, seed):
    """Any axis may have length 1 where the letter has another length elsewhere, as in NumPy."""
    rng = np.random.default_rng(seed)
    lengths = {letter: int(rng.integers(1, 4)) for letter in "ijklb"}
    terms = subscripts.partition("->")[0].split(",")
    operands = []
    for term in (term.replace("...", "b") for term in terms):
        short = rng.random(len(term)) < 0.3 * (len(set(term)) == len(term))
        operands.append(rng.normal(size=[1 if cut else lengths[c] for c, cut in zip(term, short, strict=True)]))
    np.testing.assert_allclose(ops.einsum(subscripts, *operands), np.einsum(subscripts, *operands), rtol=1e-10)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ij,jk", [(2, 3), (4, 2)], "einsum: 'j' in 'ij,jk' has lengths 3 and 4"),
        ("i,i", [(3,), (3, 4)], r"einsum: 'i' in 'i,i' does not fit an operand of shape \(3, 4\)"),
        ("ij->k", [(2, 3)], "einsum: the output 'k' must have letters of the operands"),
        ("ij->ii", [(2, 3)], "einsum: the output 'ii' must have letters of the operands, each once"),
    ],
)
def test_einsum_of_what_does_not_fit(subscripts, shapes, message):
    with pytest.raises((ShapeError, ArgumentError), match=message):
        ops.einsum(subscripts, *map(np.ones, shapes))
