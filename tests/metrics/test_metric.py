"""What metrics share: state, stateless calls, metrics in metrics, names, configurations and errors."""

import numpy as np
import pytest

from nbkeras import losses, metrics, ops
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from nbkeras.graph.traced import Traced


class Spread(metrics.Metric):
    """The distance between the largest and the smallest mean of a batch, with metrics inside."""

    def __init__(self, name="spread"):
        super().__init__(name=name)
        self.parts = [metrics.Mean(), metrics.Mean()]
        self.count = self.add_weight(initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.parts[0].update_state(y_true, sample_weight)
        self.parts[1].update_state(y_pred, sample_weight)
        self.count.assign_add(1.0)

    def result(self):
        return self.parts[1].result() - self.parts[0].result()


def test_results_are_tensors_that_format_as_numbers():
    for metric in (metrics.Mean(), metrics.Sum()):
        metric.update_state([1.0, 2.0])
        assert np.shape(metric.result()) == ()
        assert f"{metric.result():.2f}" in ("1.50", "3.00")


def test_a_result_does_not_change_with_the_state():
    for metric in (metrics.Sum(), metrics.Mean()):
        first = metric(np.float32([2.0]))
        metric.update_state([10.0])
        assert first == 2.0
    metric = metrics.TruePositives()
    first = metric([1], [0.9])
    metric.update_state([1], [0.9])
    assert (first, metric.result()) == (1.0, 2.0)


def test_a_metric_of_ones_own():
    metric = Spread()
    assert len(metric.variables) == 5
    eager = metric([0.0, 1.0], [2.0, 3.0])
    metric.reset_state()
    assert Traced(lambda a, b: metric(a, b))(np.float32([0, 1]), np.float32([2, 3])) == eager == 2.0
    assert metric.count.numpy() == 1
    assert metric.direction is None
    assert repr(metric) == "<Spread name=spread>"


def test_stateless_calls_leave_the_state_alone():
    metric = metrics.Mean()
    metric.update_state([5.0])
    state = metric.stateless_update_state([np.float32(1.0), np.float32(2.0)], [3.0])
    assert [float(v) for v in state] == [4.0, 3.0]
    assert metric.stateless_result(state) == pytest.approx(4 / 3)
    assert [float(v) for v in metric.stateless_reset_state()] == [0.0, 0.0]
    assert metric.result() == 5.0

    def step(total, count, values):
        state = metric.stateless_update_state([total, count], values)
        return metric.stateless_result(state), metric.result()

    found = Traced(step)(np.float32(1.0), np.float32(2.0), np.float32([3.0]))
    np.testing.assert_allclose(found, [4 / 3, 5.0], rtol=1e-6)
    assert metric.result() == 5.0
    with pytest.raises(ArgumentError, match="expected 2 metric_variables"):
        metric.stateless_result([1.0])


def test_weights_of_a_mean():
    mean = metrics.Mean()
    assert mean(np.float32([[1, 2], [3, 4]]), sample_weight=[1.0, 3.0]) == 3.0
    mean.reset_state()
    # What the training loop does with the loss of a batch of 4.
    mean.update_state(np.float32(2.0), sample_weight=4)
    mean.update_state(np.float32(5.0), sample_weight=2)
    assert mean.result() == 3.0
    mean.reset_state()
    assert mean([1.0, 2.0], [0.0, 0.0]) == 0.0
    assert np.isnan(mean([np.nan]))


def test_losses_as_metrics_are_to_be_minimized():
    assert metrics.MeanMetricWrapper(losses.huber).direction == "min"
    assert metrics.MeanMetricWrapper(losses.Huber()).direction == "min"
    assert metrics.MeanMetricWrapper(lambda a, b: a).direction is None
    assert metrics.MeanMetricWrapper(losses.MeanSquaredError())(np.ones((2, 1)), np.zeros((2, 1))) == 1.0


def test_a_wrapped_function_round_trips():
    metric = metrics.MeanMetricWrapper(metrics.binary_accuracy, name="mine", threshold=0.8)
    again = metrics.MeanMetricWrapper.from_config(metric.get_config())
    assert again.name == "mine"
    assert again([1, 1], [0.7, 0.9]) == metric([1, 1], [0.7, 0.9]) == 0.5


def test_top_k_counts_larger_scores():
    # Ties count for the label, NaN never does.
    y_pred = np.float32([[1, 1, 1], [np.nan, 1, 2], [3, 2, 1]])
    found = metrics.sparse_top_k_categorical_accuracy([2, 0, 1], y_pred, k=1)
    np.testing.assert_array_equal(found, [1, 0, 0])


def test_get():
    assert metrics.get(None) is None
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("f1_score"), metrics.F1Score)
    config = metrics.serialize(metrics.AUC(curve="PR", name="mine"))
    assert metrics.get(config).get_config() == config["config"]
    assert metrics.get(metrics.binary_accuracy) is metrics.binary_accuracy
    with pytest.raises(ArgumentError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        metrics.get("acuracy")
    with pytest.raises(ArgumentTypeError, match="expected a name, a function or a Metric, got 3"):
        metrics.get(3)


class Forgetful(metrics.Metric):
    def __init__(self):
        self.total = self.add_weight()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (Forgetful, StateError, r"super\(\).__init__\(\) was not called"),
        (lambda: metrics.Metric().update_state(), NotImplementedError, "must define update_state"),
        (
            lambda: metrics.Precision(thresholds=[0.5, 2]),
            ArgumentError,
            r"thresholds to be .* up to 1.*\[0.5, 2\]",
        ),
        (lambda: metrics.Precision(top_k=5)([[1, 0]], [[0.1, 0.2]]), ArgumentError, "length of .1, 2., got 5"),
        (lambda: metrics.Precision(class_id=2)([[1, 0]], [[0.1, 0.2]]), ShapeError, "class_id 2 needs predictions"),
        (lambda: metrics.AUC(curve="PRC"), ArgumentError, "expected curve to be one of ROC, PR, PRGAIN, got 'PRC'"),
        (lambda: metrics.AUC(num_thresholds=1), ArgumentError, "num_thresholds to be an integer from 2 up to"),
        (lambda: metrics.AUC(num_labels=3), ArgumentError, "pass multi_label=True"),
        (lambda: metrics.AUC(multi_label=True)([1.0], [1.0]), ShapeError, r"shape \(N, labels\), got \(1,\)"),
        (lambda: metrics.PrecisionAtRecall(2), ArgumentError, "expected recall to be a number from 0 up to 1, got 2"),
        (lambda: metrics.PrecisionAtRecall(0.5, 0), ArgumentError, "num_thresholds to be an integer from 1 up to"),
        (lambda: metrics.FBetaScore(average="mean"), ArgumentError, "expected average to be one of"),
        (lambda: metrics.FBetaScore(beta=1), ArgumentError, "expected beta to be a float above 0, got 1"),
        (lambda: metrics.F1Score(threshold=1.5), ArgumentError, "expected threshold to be a float"),
        (lambda: metrics.F1Score()([1, 0], [1, 0]), ShapeError, r"predictions of shape \(N, C\)"),
        (lambda: metrics.F1Score()([1, 0], [[1, 0], [0, 1]]), ShapeError, "utils.to_categorical"),
        (lambda: metrics.R2Score("mean"), ArgumentError, "expected class_aggregation to be one of"),
        (lambda: metrics.R2Score(num_regressors=-1), ArgumentError, "num_regressors to be an integer from 0 on"),
        (lambda: metrics.R2Score()([1.0], [1.0]), ShapeError, r"predictions of shape \(N, F\), got \(1,\)"),
        (lambda: metrics.IoU(2, [2]), ArgumentError, r"target_class_ids from 0 to 1, got \[2\]"),
        (
            lambda: metrics.SparseCategoricalAccuracy()(np.eye(3), np.eye(3)),
            ShapeError,
            "one-hot labels go with categorical_accuracy",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_float_weights_of_a_whole_number_metric_warn():
    with pytest.warns(UserWarning, match="pass dtype='float32' to keep them"):
        metrics.MeanIoU(2)([0, 1], [0, 1], np.float32([0.5, 1.5]))
    metric = metrics.MeanIoU(2, dtype="float32")
    assert metric([0, 1], [0, 0], np.float32([3.0, 1.0])) == pytest.approx(0.375)


def test_names_are_numbered():
    from nbkeras import naming

    naming.reset()
    assert [metrics.AUC().name, metrics.AUC().name, metrics.TruePositives().name] == ["auc", "auc_1", "true_positives"]
    assert ops.size(metrics.AUC().result()) == 1


def test_sparse_top_k_reads_a_column_of_labels():
    scores = np.array([[0.1, 0.9, 0.0], [0.2, 0.3, 0.5]], "float32")
    column = metrics.sparse_top_k_categorical_accuracy(np.array([[1], [0]]), scores, k=2)
    np.testing.assert_array_equal(column, metrics.sparse_top_k_categorical_accuracy(np.array([1, 0]), scores, k=2))


def test_thresholds_in_place_of_their_number():
    metric = metrics.AUC(num_thresholds=None, thresholds=[0.3, 0.5])
    assert metric.num_thresholds == 4
    with pytest.raises(ArgumentError, match="expected num_thresholds or thresholds"):
        metrics.AUC(num_thresholds=None)


def test_weights_do_not_count_where_a_class_is_ignored():
    """Without weights Keras counts the ignored samples as 0, with weights it leaves them out."""
    y_true, y_pred = [0, 1, 2], [[0.8, 0.1, 0.1], [0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]
    losses = -np.log([0.95, 0.1])
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=0)
    assert metric(y_true, y_pred) == pytest.approx(losses.sum() / 3, rel=1e-5)
    metric.reset_state()
    weighted = metric(np.array([y_true]).T, y_pred, sample_weight=[0.5, 1.5, 2.0])
    assert weighted == pytest.approx((losses * [1.5, 2.0]).sum() / 3.5, rel=1e-5)
