"""The steps of a model: its train, test and predict functions as plans, one for each shape of batch."""

from __future__ import annotations

import numpy as np

from nbkeras import tree
from nbkeras.graph import live
from nbkeras.graph.traced import Signature, TracedPlan, outline
from nbkeras.layers.tracking import Lock
from nbkeras.training.columns import batch_dtype, take_rows
from nbkeras.training.gather import RowGather
from nbkeras.training.source import Rows
from nbkeras.utils.data import pack_x_y_sample_weight


class Template:
    """The shape and dtype of a batch's array, where the array itself is gathered into the plan's buffer."""

    def __init__(self, shape, dtype):
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)


class Computed:
    """The result of a step that ran eagerly."""

    def __init__(self, result):
        self._result = result

    def result(self):
        return self._result


class Steps:
    """Runs one kind of step, batch after batch.

    Args:
        function: takes the data of a batch (as Keras packs it: x, (x, y) or (x, y, sample_weight)) and gives logs or
            predictions; it is traced once for each signature.
        scratch: memory for temporaries, shared with the model's other steps; hold its lock while you run a step and
            read its result.
        eagerly: says whether to call the function for every batch on arrays, so that it can be looked into, instead of
            tracing it.
        prepare: called with the first batch of each signature that comes as arrays; gives a function that checks the
            labels of such batches.
    """

    #: Plans kept: users who feed batches of every size should not fill the memory.
    KEPT = 32

    def __init__(self, function, scratch, eagerly, prepare=None):
        self.function = function
        self.prepare = prepare
        self.scratch = scratch
        self.eagerly = eagerly
        self._checks: dict = {}
        self._plans: dict = {}
        self._feeds: dict = {}
        self._changes = Lock.changes

    def run(self, batch, columns=None):
        """Run the step on a batch; returns something whose `result()` is valid until the next run.

        Args:
            batch: a `Batch` of arrays, or `Rows` to gather from the columns.
            columns: `(x, y, sample_weight)` of the array source that the rows belong to.
        """
        if self.eagerly():
            return self._run_eagerly(batch, columns)
        if self._changes != Lock.changes:
            self.clear()
        if isinstance(batch, Rows):
            feed = self._feeds.get((len(batch.indices), id(columns)))
            if feed is None:
                feed = self._new_feed(len(batch.indices), columns)
            traced, gather = feed
            gather.run(batch)
        else:
            data = pack_x_y_sample_weight(*batch)
            signature = Signature((data,))
            self._check(signature.key, batch)
            traced = self._plan(signature.key, (data,))
            traced.feed(signature.arrays)
        traced.run()
        return traced

    def _run_eagerly(self, batch, columns):
        if isinstance(batch, Rows):
            data = tree.map_structure(lambda column: _rows_of(column, batch), pack_x_y_sample_weight(*columns))
        else:
            data = pack_x_y_sample_weight(*batch)
            self._check(Signature((data,)).key, batch)
        return Computed(live.compute(self.function, (data,)))

    def _check(self, key, batch):
        """Refuse wrong labels before they are trained on."""
        if self.prepare is None:
            return
        check = self._checks.get(key)
        if check is None:
            check = self._checks[key] = self.prepare(batch)
        check(batch.y)

    def _new_feed(self, n, columns):
        """The plan for batches of n rows, and what gathers them from these columns."""
        data = pack_x_y_sample_weight(*columns)
        template = tree.map_structure(
            lambda leaf: None if leaf is None else Template((n, *leaf.shape[1:]), batch_dtype(leaf)), (data,)
        )
        leaves = tree.flatten(template)
        arrays = [leaf for leaf in leaves if leaf is not None]
        key = (outline(template), tuple((a.shape, str(a.dtype)) for a in arrays), (None,) * (len(leaves) - len(arrays)))
        traced = self._plan(key, template)
        gather = RowGather(traced.plan.inputs, [leaf for leaf in tree.flatten((data,)) if leaf is not None])
        feed = self._feeds[n, id(columns)] = (traced, gather)
        return feed

    def _plan(self, key, arguments):
        traced = self._plans.get(key)
        if traced is None:
            while len(self._plans) >= self.KEPT:
                oldest = next(iter(self._plans))
                self._plans.pop(oldest)
                self._checks.pop(oldest, None)
            traced = self._plans[key] = TracedPlan(self.function, arguments, self.scratch)
        return traced

    def release(self):
        """Let go of the user's columns."""
        self._feeds.clear()

    def clear(self):
        """Forget all plans."""
        self._plans.clear()
        self._feeds.clear()
        self._checks.clear()
        self._changes = Lock.changes


def _rows_of(column, rows):
    """The rows of a batch of one column, as an array."""
    if column is None:
        return None
    where = slice(rows.start, rows.stop) if rows.contiguous else rows.indices
    return np.asarray(take_rows(column, where)).astype(batch_dtype(column), copy=False)
