"""Every function of `ops` in ONNX: the numbers of `ops`, or an error that names what ONNX lacks."""

import re

import numpy as np
import pytest

from nbkeras import ops, tree
from nbkeras.errors import ArgumentError, ArgumentTypeError
from nbkeras.export import onnx_file
from nbkeras.export.rules import RULES
from tests.ops.draw import ROWS
from tests.ops.ways import _holes, table

CALLS = table()

#: Rules that calls of functions may not reach, but layers do: test_layers.py.
OF_LAYERS = {"affine", "own_gradient"}

#: What is known at the time of the call only cannot be traced, in `ops` either; and functions that give no tensors.
NOT_TRACED = "have no value yet|has no value yet|depends on values"
NO_TENSOR = {"dtype", "shape"}

#: Greatest and least of rows with NaN among them: onnxruntime passes over some.
OF_NAN = {"max", "min", "amax", "amin"}

#: Functions of arrays with NaN that onnxruntime computes right from 1.24 on; for Python 3.10 1.23 is the last.
OF_NAN_LATELY = {"erf", "erfc", "nanmedian", "nanpercentile", "nanquantile", "sort"}

#: onnxruntime's transform is less exact than ours.
LOOSE = {name: 1e-4 for name in CALLS if "fft" in name or name in ("stft", "istft")}


def exported(function, arrays, fill, open_batch):
    """The file of a call; None where what is wrong is told."""

    def call(values):
        args, kwargs = fill(values)
        return function(*args, **kwargs)

    def shape(array):
        return (None, *array.shape[1:]) if open_batch and array.shape[:1] == (ROWS,) else array.shape

    specs = [onnx_file.Spec(f"x{i}", shape(array), array.dtype.name) for i, array in enumerate(arrays)]
    try:
        return onnx_file.function_bytes(call, specs, "call")
    except (ArgumentError, ArgumentTypeError) as error:
        told = ["which has nothing for: ", NOT_TRACED, *["depends on the batch size"] * open_batch]
        if re.search("|".join(told), str(error)):
            return None
        raise


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("open_batch", [False, True], ids=["fixed", "batch"])
def test_every_function(onnx, monkeypatch, open_batch):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime (extra 'test') is not installed")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    old = tuple(map(int, runtime.__version__.split(".")[:2])) < (1, 24)
    right, seen, used = 0, set(), set()
    for primitive, rule in RULES.items():
        monkeypatch.setitem(RULES, primitive, lambda w, step, rule=rule: used.add(step.primitive) or rule(w, step))
    for name in sorted({*CALLS} - NO_TENSOR):
        function = getattr(ops, name)
        for arguments, keywords in CALLS[name]:
            arrays, fill = _holes([list(arguments), keywords])
            if not arrays:
                continue

            if old and name in OF_NAN_LATELY and any(np.isnan(array).any() for array in arrays):
                continue
            data = exported(function, arrays, fill, open_batch)
            if data is None:
                continue
            made = onnx.load_from_string(data)
            onnx.checker.check_model(made, full_check=True)
            session = runtime.InferenceSession(data, options)
            given = dict(zip([each.name for each in session.get_inputs()], arrays, strict=True))
            expected = tree.flatten(function(*arguments, **keywords))
            for one, other in zip(session.run(None, given), map(np.asarray, expected), strict=True):
                assert one.dtype == other.dtype, name
                if name in OF_NAN and other.dtype.kind == "f" and np.isnan(other).any():
                    continue
                atol = LOOSE.get(name, 2e-6)
                np.testing.assert_allclose(one, other, rtol=2e-5, atol=atol, err_msg=f"{name} {arguments} {keywords}")
            right += 1
            seen.add(name)
    assert right > 1400 and len(seen) > 250, (right, len(seen))
    assert set(RULES) - used <= OF_LAYERS
