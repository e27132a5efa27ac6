"""Exported models run in onnxruntime; without the extra `onnx` and onnxruntime these tests are skipped."""

import numpy as np
import pytest

from nbkeras import tree


@pytest.fixture(scope="session")
def onnx():
    return pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")


@pytest.fixture(scope="session")
def check(onnx):
    """A function that holds an exported model against its `predict`, for several batch sizes."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime (extra 'test') is not installed")
    from nbkeras.export import onnx_file

    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3

    def checked(model, draw, sizes=(1, 3, 5), rtol=1e-5, atol=1e-6, **more):
        """
        Args:
            model: built.
            draw: number of rows -> the inputs, in the model's structure.
            sizes: of batches.
            rtol, atol: how near the numbers must be.
            more: for `onnx_bytes`.
        """
        data = onnx_file.onnx_bytes(model, **more)
        made = onnx.load_from_string(data)
        onnx.checker.check_model(made, full_check=True)
        session = runtime.InferenceSession(data, options)
        for rows in sizes:
            x = draw(rows)
            names = [each.name for each in session.get_inputs()]
            found = session.run(None, dict(zip(names, map(np.asarray, tree.flatten(x)), strict=True)))
            expected = tree.flatten(model.predict(x, verbose=0))
            for one, other in zip(found, expected, strict=True):
                assert one.dtype == other.dtype
                np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)
        return made

    return checked
