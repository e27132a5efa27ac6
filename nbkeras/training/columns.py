"""From what users pass as data to columns: NumPy arrays with one row per sample.

Floats take the type of `config.floatx()`, integers and booleans keep theirs, as in Keras. An array that fits is not
copied; one that does not is converted once, here. A memory-mapped array is never converted as a whole: its column
keeps the type on disk, and `take_rows` converts batch by batch.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

from nbkeras.config import floatx
from nbkeras.errors import ArgumentTypeError, DataError
from nbkeras.training.structure import is_nested, named_leaves, rebuild

#: What the three parts of the data are called in messages.
NAMES = ("x", "y", "sample_weight")


def as_columns(data: Any, name: str, caller: str) -> Any:
    """Turn user data into the same nesting of NumPy arrays.

    A list or tuple that holds arrays at any depth is several inputs; one that holds only numbers is one array.

    Args:
        data: arrays, memory maps, pandas frames or series, anything with `__array__`, lists of numbers, or nested
            lists, tuples and dicts of these; None stays None.
        name: how messages call it, such as `"x"`.
        caller: the method the user called, such as `"fit"`.

    Raises:
        DataError: text, objects, ragged lists, single numbers.

    Example:
        >>> as_columns([[1.0, 2.0], [3.0, 4.0]], "x", "fit").dtype
        dtype('float32')
    """
    if data is None:
        return None
    if isinstance(data, dict):
        return {key: as_columns(branch, f"{name}[{key!r}]", caller) for key, branch in data.items()}
    if isinstance(data, (list, tuple)) and holds_arrays(data):
        return rebuild(data, [as_columns(branch, f"{name}[{i}]", caller) for i, branch in enumerate(data)])
    return _as_column(data, name, caller)


def as_triple(data: tuple, caller: str) -> tuple:
    """`as_columns` of x, y and sample_weight."""
    return tuple(as_columns(tree, name, caller) for name, tree in zip(NAMES, data, strict=True))


def is_array_like(data: Any) -> bool:
    """True for data that has all its rows at hand, as opposed to a stream of batches."""
    if isinstance(data, dict):
        return all(map(is_array_like, data.values()))
    if isinstance(data, (list, tuple)):
        return all(map(is_array_like, data)) if holds_arrays(data) else True
    if data is None or isinstance(data, (str, bytes, range, int, float)):
        return True
    return hasattr(data, "__array__") or _is_scipy_sparse(data)


def batch_dtype(column: np.ndarray) -> np.dtype:
    """The type in which a column's rows reach the model: floats become `floatx()`, the rest keep theirs.

    Example:
        >>> batch_dtype(np.zeros(3, dtype="float64")), batch_dtype(np.zeros(3, dtype="uint8"))
        (dtype('float32'), dtype('uint8'))
    """
    return np.dtype(floatx()) if column.dtype.kind == "f" else column.dtype.newbyteorder("=")


def take_rows(column: np.ndarray, rows: np.ndarray | slice, out: np.ndarray | None = None) -> np.ndarray:
    """Copy rows of a column, in the type `batch_dtype` says.

    Args:
        column: (N, ...), memory-mapped or not.
        rows: row numbers, or a slice where the rows are adjacent.
        out: (rows, ...) to write into; a new array without it.

    Example:
        >>> take_rows(np.array([10, 20, 30]), np.array([2, 0]))
        array([30, 10])
    """
    if out is None:
        return np.ascontiguousarray(column[rows], dtype=batch_dtype(column))
    if isinstance(rows, slice) or column.dtype != out.dtype:
        out[...] = column[rows]
    else:
        # With mode="raise", np.take would fill a second buffer first and copy it to `out`.
        np.take(column, rows, axis=0, out=out, mode="clip")
    return out


def check_rows(columns: tuple, caller: str) -> int:
    """The number of rows, the same in all columns.

    Args:
        columns: `(x, y, sample_weight)`, each nested arrays or None.
        caller: the method the user called.

    Raises:
        DataError: no array at all, no row, or different numbers of rows.
    """
    leaves = [leaf for name, tree in zip(NAMES, columns, strict=True) for leaf in named_leaves(tree, name)]
    if next(named_leaves(columns[0], "x"), None) is None:
        raise DataError(f"{caller}: x holds no array.", next="pass at least one array with one row per sample.")
    counts = {name: len(column) for name, column in leaves}
    if len(set(counts.values())) > 1:
        listing = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise DataError(
            f"{caller}: all arrays need the same number of rows, but {_shorten(listing)}.",
            next=_row_remedy(columns),
        )
    rows = len(leaves[0][1])
    if rows == 0:
        raise DataError(
            f"{caller}: the data is empty: {leaves[0][0]} has shape {leaves[0][1].shape}.",
            next="pass at least one row; check how the data was loaded or filtered.",
        )
    return rows


def _row_remedy(columns: tuple) -> str:
    x, y, _ = columns
    if isinstance(x, (list, tuple)) and isinstance(y, np.ndarray) and len(x) == len(y) > 1:
        return "a list of arrays means one array per model input; if it is one sample each, pass np.stack(x)."
    return "check how the arrays were split; row i of each belongs to sample i."


def holds_arrays(data: list | tuple) -> bool:
    """True if a list is several inputs, not one list of numbers; None counts as an absent input."""
    for item in data:
        if item is None or isinstance(item, dict) or (hasattr(item, "__array__") and getattr(item, "ndim", 1) != 0):
            return True
        if isinstance(item, (list, tuple)) and holds_arrays(item):
            return True
    return False


def _as_column(data: Any, name: str, caller: str) -> np.ndarray:
    if _is_scipy_sparse(data):
        raise DataError(f"{caller}: {name} is a scipy sparse matrix.", next=f"pass {name}.toarray().")
    try:
        array = _from_pandas(data, name, caller) if _is_pandas(data) else np.asarray(data)
    except (ValueError, TypeError, RuntimeError) as error:
        if isinstance(error, (DataError, ArgumentTypeError)):
            raise
        raise DataError(
            f"{caller}: {name} cannot be made an array: {error}",
            next="give all rows the same shape and numbers only.",
        ) from error
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{caller}: {name} must hold numbers but has dtype {array.dtype} (from {type(data).__name__}).",
            next="convert text to class indices or vectors, and objects to numbers, before training.",
        )
    if array.ndim == 0:
        raise DataError(
            f"{caller}: {name} must have one row per sample but is the single number {array}.",
            next="pass an array of at least one dimension.",
        )
    return array if is_memory_mapped(array) else array.astype(batch_dtype(array), copy=False)


def is_memory_mapped(array: np.ndarray) -> bool:
    """True if an array is a view of a memory-mapped file."""
    base = array
    while base is not None:
        if isinstance(base, (np.memmap, mmap.mmap)):
            return True
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    return False


def _is_scipy_sparse(data: Any) -> bool:
    return type(data).__module__.startswith("scipy.sparse")


def _is_pandas(data: Any) -> bool:
    """True for a frame, series or index; pandas's other arrays need no special care."""
    return type(data).__module__.partition(".")[0] == "pandas" and (
        hasattr(data, "to_frame") or hasattr(data, "columns")
    )


def _from_pandas(data: Any, name: str, caller: str) -> np.ndarray:
    """A frame as (N, columns) in one common type, a series as (N, 1), as Keras has it."""
    frame = data.to_frame() if data.ndim == 1 else data
    kinds = [getattr(dtype, "kind", "O") for dtype in frame.dtypes]
    described = [f"{label!r} ({dtype})" for label, dtype in frame.dtypes.items()]
    bad = [text for text, kind in zip(described, kinds, strict=True) if kind not in "biuf"]
    if bad:
        raise DataError(
            f"{caller}: {name} must hold numbers but these pandas columns do not: {_shorten(', '.join(bad))}.",
            next="drop them or encode them, such as with .astype('category').cat.codes or pandas.get_dummies.",
        )
    # Only pandas's own number types know missing values that are not NaN.
    has_missing = any(
        not isinstance(dtype, np.dtype) and frame[label].isna().any() for label, dtype in frame.dtypes.items()
    )
    if "f" in kinds or has_missing:
        return frame.to_numpy(dtype=floatx(), na_value=np.nan)
    return frame.to_numpy(dtype=np.result_type(*(np.dtype(f"{d.kind}{d.itemsize}") for d in frame.dtypes)))


def _shorten(listing: str, limit: int = 300) -> str:
    return listing if len(listing) <= limit else listing[:limit].rsplit(",", 1)[0] + ", ..."


def describe_structure(tree: Any) -> str:
    """The nesting of some data in a few words, for messages.

    Example:
        >>> describe_structure({"a": 1, "b": 2})
        "a dict with keys 'a', 'b'"
    """
    if isinstance(tree, dict):
        return "a dict with keys " + ", ".join(map(repr, tree))
    return f"a {type(tree).__name__} of {len(tree)}" if is_nested(tree) else "one array"
