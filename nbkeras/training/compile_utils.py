"""The losses and metrics that `compile` was given, for all outputs of a model."""

from __future__ import annotations

from dataclasses import dataclass

from nbkeras import config, ops, tree
from nbkeras.errors import ArgumentError, ArgumentTypeError, DataError, MissingKey, ShapeError, nearest
from nbkeras.losses.lookup import KNOWN as KNOWN_LOSSES
from nbkeras.metrics import Mean
from nbkeras.metrics.lookup import KNOWN as KNOWN_METRICS
from nbkeras.saving.registry import get_registered_object
from nbkeras.training.outputs import Outputs, at
from nbkeras.training.resolve import ACCURACY, CROSSENTROPY, resolve_loss, resolve_metric
from nbkeras.training.structure import same_structure


class CompileLoss:
    """The total loss of a model: the weighted sum of its outputs' losses.

    Args:
        loss: a name, function or `Loss`, for all outputs; or a structure of them (list, dict by output name, the
            outputs' own); None for an output without loss. Where it has a list or tuple and the outputs something
            else, all its losses count for that whole part of the outputs.
        loss_weights: factors of the outputs' losses, in the same forms.
        output_names: names of the outputs.

    Attributes:
        metrics: the means of the outputs' own losses, if there are several; named `<output>_loss`.
        built: whether the outputs' structure is known, so after the first call or `build`.

    Raises:
        ArgumentError, ArgumentTypeError: a name is unknown; keys or lengths do not fit the outputs.

    Example:
        >>> import numpy as np
        >>> loss = CompileLoss(["mse", "mae"], loss_weights=[1.0, 0.5], output_names=["a", "b"])
        >>> y = [np.zeros((2, 1)), np.zeros((2, 1))]
        >>> float(loss(y, [np.full((2, 1), 3.0), np.full((2, 1), 4.0)]))
        11.0
        >>> [(m.name, float(m.result())) for m in loss.metrics]
        [('a_loss', 9.0), ('b_loss', 4.0)]
    """

    def __init__(self, loss, loss_weights=None, output_names=None):
        _check_names(loss, KNOWN_LOSSES, "loss", CROSSENTROPY)
        if loss_weights is not None and not isinstance(loss_weights, (int, float, list, tuple, dict)):
            raise ArgumentTypeError(
                f"compile: expected loss_weights to be a number, list or dict, got {loss_weights!r}."
            )
        self.output_names = output_names
        self.metrics = []
        self.built = False
        self._loss = loss
        self._loss_weights = loss_weights
        self._entries = []
        self._used = None
        self._listed = False

    @property
    def variables(self) -> list:
        """The state of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    def build(self, y_true, y_pred) -> None:
        """Find the loss of each output.

        Args:
            y_true, y_pred: nested tensors, or anything with shapes.
        """
        outputs = Outputs(y_pred, self.output_names)
        matched = self._matched(outputs)
        self._used = list(dict.fromkeys(path for path, *_ in matched))
        y_true = outputs.align(y_true, "y", self._used)
        self._listed = isinstance(y_pred, (list, tuple))
        self._entries = []
        owners = {}
        for path, identifier, weight in matched:
            loss = resolve_loss(identifier, at(y_true, path), at(y_pred, path))
            name = base = outputs.name_of(path) or loss.name
            number = 0
            # Several losses of one output share its name, as in Keras: logs show the last.
            while owners.setdefault(name, path) != path:
                number += 1
                name = f"{base}_{number}"
            self._entries.append((path, loss, weight, name))
        if len(self._entries) > 1:
            self.metrics = [Mean(name=f"{name}_loss") for *_, name in self._entries]
        self.built = True

    def _by_name(self, structure):
        """A dict of outputs as a list in the order of the outputs' names."""
        if not isinstance(structure, dict):
            return structure
        names = self.output_names or ()
        if set(names) != set(structure):
            raise MissingKey(f"CompileLoss: it was built on a list of outputs {list(names)}, got {list(structure)}.")
        return [structure[name] for name in names]

    @property
    def used(self) -> list:
        """The paths of the outputs that have a loss; None before the first batch."""
        return self._used

    def losses(self) -> list:
        """Pairs (path of the output, its `Loss`)."""
        return [(path, loss) for path, loss, *_ in self._entries]

    def _matched(self, outputs) -> list:
        """Triples (path, what was given as loss, its weight or None)."""
        given, weights = self._loss, self._loss_weights
        if tree.is_nested(given) and weights is not None and same_structure(given, weights):
            # Each with its weight: an output may have several losses.
            given, weights = tree.map_structure(_weighted, given, weights), None
        found = [(path, loss) for path, loss in outputs.match(given, "loss") if loss is not None]
        if not tree.is_nested(given) and [path for path, _ in found] == [()]:
            found = [(path, given) for path in outputs.paths]
        if weights is not None and not tree.is_nested(weights) and len(found) > 1:
            raise ArgumentError(
                f"compile: loss_weights is one number for {len(found)} losses.",
                next="give a list or dict with one for each output.",
            )
        weight_of = {} if weights is None else dict(outputs.match(weights, "loss_weights"))
        return [
            (path, loss.loss, loss.weight) if isinstance(loss, _Weighted) else (path, loss, weight_of.get(path))
            for path, loss in found
        ]

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The total loss of a batch; None if no output has a loss.

        Args:
            y_true, y_pred: nested tensors.
            sample_weight: None, one tensor for all outputs, or one for each.
        """
        if not self.built:
            self.build(y_true, y_pred)
        if self._listed and isinstance(y_pred, dict):
            # Built on lists: the names say which output is which.
            y_true, y_pred, sample_weight = map(self._by_name, (y_true, y_pred, sample_weight))
        outputs = Outputs(y_pred, self.output_names)
        y_true = outputs.align(y_true, "y", self._used)
        weight_of = _sample_weights(outputs, sample_weight)
        values = []
        for index, (path, loss, weight, name) in enumerate(self._entries):
            target, prediction = at(y_true, path), at(y_pred, path)
            _check_labels(target, name)
            value = ops.cast(loss(target, prediction, weight_of(path)), config.floatx())
            if self.metrics:
                self.metrics[index].update_state(value, sample_weight=tree.flatten(prediction)[0].shape[0])
            values.append(value if weight is None else ops.multiply(value, weight))
        if not values:
            return None
        total = values[0]
        for value in values[1:]:
            total = ops.add(total, value)
        return total


class CompileMetrics:
    """The metrics of a model's outputs.

    Args:
        metrics: a list of names, functions or `Metric`s for a model with one output; for several a list of lists, or
            a dict by output name.
        weighted_metrics: likewise; sample weights count in them.
        output_names: names of the outputs.

    Attributes:
        built: whether the outputs' structure is known, so after the first `update_state` or `build`.

    Raises:
        ArgumentError, ArgumentTypeError: a name is unknown; keys or lengths do not fit the outputs.

    Example:
        >>> import numpy as np
        >>> metrics = CompileMetrics(["accuracy", "mae"], None)
        >>> metrics.update_state(np.array([[0], [1]]), np.array([[0.0], [0.5]]))
        >>> {name: float(value) for name, value in metrics.result().items()}
        {'accuracy': 0.5, 'mae': 0.25}
    """

    name = "compile_metrics"

    def __init__(self, metrics, weighted_metrics, output_names=None):
        for argument, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if given is not None and not isinstance(given, (list, tuple, dict)):
                raise ArgumentTypeError(
                    f"compile: expected {argument} to be a list or dict, got {given!r}.",
                    next=f"write {argument}=[{given!r}].",
                )
            _check_names(given, KNOWN_METRICS, "metric", ACCURACY)
        self.output_names = output_names
        self.built = False
        self._given = (metrics or None, weighted_metrics or None)
        self._plain, self._weighted = [], []

    @property
    def metrics(self) -> list:
        """All metric objects; none before the first batch."""
        return [metric for *_, group in self._plain + self._weighted for metric in group]

    @property
    def variables(self) -> list:
        """The state of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def build(self, y_true, y_pred) -> None:
        """Make the metrics of each output.

        Args:
            y_true, y_pred: nested tensors, or anything with shapes.
        """
        outputs = Outputs(y_pred, self.output_names)
        y_true = outputs.align(y_true, "y", self._paths(outputs))
        self._plain, self._weighted = (
            self._groups(given, argument, outputs, y_true, y_pred)
            for given, argument in zip(self._given, ("metrics", "weighted_metrics"), strict=True)
        )
        self.built = True

    def _paths(self, outputs) -> list:
        """The outputs that have metrics, in order."""
        used = [path for given in self._given for path, entry in outputs.match(given, "metrics", lists=True) if entry]
        return [path for path in outputs.paths if path in used]

    @staticmethod
    def _groups(given, argument, outputs, y_true, y_pred) -> list:
        groups = []
        for path, entry in outputs.match(given, argument, lists=True):
            if entry is None:
                continue
            name = outputs.metric_names[outputs.paths.index(path)] if len(outputs.paths) > 1 else None
            target = at(y_true, path)
            _check_labels(target, name)
            identifiers = list(entry) if isinstance(entry, (list, tuple)) else [entry]
            group = [resolve_metric(identifier, target, at(y_pred, path)) for identifier in tree.flatten(identifiers)]
            groups.append((path, name, group))
        return groups

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        """Add a batch.

        Args:
            y_true, y_pred: nested tensors.
            sample_weight: None, one tensor for all outputs, or one for each.
        """
        if not self.built:
            self.build(y_true, y_pred)
        outputs = Outputs(y_pred, self.output_names)
        y_true = outputs.align(y_true, "y", self._paths(outputs))
        weight_of = _sample_weights(outputs, sample_weight)
        for path, _, group in self._plain:
            for metric in group:
                _add(metric, at(y_true, path), at(y_pred, path))
        for path, _, group in self._weighted:
            for metric in group:
                _add(metric, at(y_true, path), at(y_pred, path), weight_of(path))

    def result(self) -> dict:
        """The results by name: `<metric>`, or `<output>_<metric>` with several outputs. A name that is taken gets
        `weighted_` before it or a number behind it."""
        results, taken = {}, {}

        def add(name, metric):
            count = taken.get(name, 0)
            taken[name] = count + 1
            results[f"{name}_{count}" if count else name] = metric.result()

        for groups, weighted in ((self._plain, False), (self._weighted, True)):
            for _, output, group in groups:
                prefix = f"{output}_" if output else ""
                for metric in group:
                    name = f"{prefix}{metric.name}"
                    add(f"{prefix}weighted_{metric.name}" if weighted and name in taken else name, metric)
        return results

    def reset_state(self) -> None:
        """Start all metrics anew."""
        for metric in self.metrics:
            metric.reset_state()


@dataclass(frozen=True)
class _Weighted:
    """A loss of a structure, and its weight."""

    loss: object
    weight: float | None


def _weighted(loss, weight):
    return None if loss is None else _Weighted(loss, weight)


def _sample_weights(outputs, sample_weight):
    """path -> the weights of that output."""
    if not tree.is_nested(sample_weight):
        return lambda path: sample_weight
    if len(tree.flatten(sample_weight)) == 1:
        only = tree.flatten(sample_weight)[0]
        return lambda path: only
    aligned = outputs.align(sample_weight, "sample_weight")
    return lambda path: at(aligned, path)


def _check_labels(target, name):
    if any(leaf is None for leaf in tree.flatten(target)):
        raise DataError(
            f"compile: output {name!r} has a loss or metric but y has no labels for it.",
            next="give labels for it, or compile with None for this output.",
        )


def _check_names(given, known, kind, aliases):
    """Refuse unknown names at once, not when the first batch comes."""
    if isinstance(given, dict):
        given = [] if "class_name" in given else list(given.values())
    if isinstance(given, (list, tuple)):
        for part in given:
            _check_names(part, known, kind, aliases)
        return
    if not isinstance(given, str) or given.lower() in aliases:
        return
    if get_registered_object(given, None, known) is None:
        raise ArgumentError(
            f"compile: unknown {kind} {given!r}; {nearest(given, [*known, *aliases])}",
            next=f"use one of these names, or pass the {kind} itself.",
        )


def _add(metric, *batch):
    """Add a batch to a metric; an error says to which."""
    try:
        metric.update_state(*batch)
    except ShapeError as error:
        error.args = (f"metric {metric.name!r}: {error.args[0]}",)
        raise
