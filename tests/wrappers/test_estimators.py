"""The estimators pass scikit-learn's own checks, and work in its pipelines, searches and clones."""

import sys

import numpy as np
import pytest

import nbkeras as keras
from nbkeras.extras import ExtraMissing

pytest.importorskip("sklearn")
from sklearn.utils.estimator_checks import parametrize_with_checks

from nbkeras.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer


def dynamic(X, y, loss="mse", last=None, units=(10,)):
    x = inputs = keras.Input((X.shape[1],))
    for size in units:
        x = keras.layers.Dense(size, activation="relu")(x)
    outputs = keras.layers.Dense(y.shape[1] if y.ndim > 1 else 1, activation=last)(x)
    model = keras.Model(inputs, outputs)
    model.compile("rmsprop", loss)
    return model


CROSSENTROPY = {"loss": "categorical_crossentropy", "last": "softmax"}

#: scikit-learn wants one column from a `decision_function` of two classes; as in Keras it gives the model's outputs.
EXCEPTIONS = dict.fromkeys(["check_classifiers_train", "check_classifiers_classes"], "two columns for two classes")


CHECKS = parametrize_with_checks(
    [
        SKLearnClassifier(
            dynamic, model_kwargs={**CROSSENTROPY, "units": (20, 20)}, fit_kwargs={"epochs": 40, "verbose": 0}
        ),
        SKLearnRegressor(dynamic, fit_kwargs={"verbose": 0}),
        SKLearnTransformer(dynamic, fit_kwargs={"verbose": 0}),
    ],
    expected_failed_checks=lambda estimator: EXCEPTIONS if isinstance(estimator, SKLearnClassifier) else {},
)


@pytest.mark.filterwarnings("default")
# A list: before scikit-learn 1.8 it is a generator, which pytest 9 warns of.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_sklearns_own_checks(estimator, check):
    check(estimator)


def classes(rows=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 3))
    return X, np.where(X[:, 0] > 0, "right", "left")


def classifier(**arguments):
    return SKLearnClassifier(dynamic, model_kwargs=CROSSENTROPY, fit_kwargs={"epochs": 2, "verbose": 0}, **arguments)


def test_grid_search_in_a_pipeline():
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = classes()
    pipeline = make_pipeline(StandardScaler(), classifier(random_state=0))
    grid = {
        "sklearnclassifier__fit_kwargs": [{"epochs": 1, "verbose": 0}, {"epochs": 40, "verbose": 0}],
        "sklearnclassifier__model_kwargs": [{**CROSSENTROPY, "units": (16,)}],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    best = search.best_estimator_[-1]
    assert best.epoch_ == search.best_params_["sklearnclassifier__fit_kwargs"]["epochs"] == 40
    assert search.best_score_ > 0.8
    assert best.model_.layers[1].units == 16
    assert set(search.predict(X)) == {"left", "right"}


def test_clones_keep_every_argument_and_have_no_fit():
    from sklearn.base import clone

    first = classifier(random_state=3).fit(*classes())
    again = clone(first)
    assert not hasattr(again, "model_")
    assert again.get_params() == first.get_params()
    assert again.fit_kwargs is not first.fit_kwargs


def test_fit_leaves_its_arguments_alone_and_its_own_win():
    estimator = classifier()
    estimator.fit(*classes(), epochs=3)
    assert estimator.fit_kwargs == {"epochs": 2, "verbose": 0}
    assert estimator.epoch_ == len(estimator.history_["loss"]) == 3


def test_a_seed_of_its_own():
    X, y = classes()
    outputs = [classifier(random_state=seed).fit(X, y).decision_function(X) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])
    np.testing.assert_allclose(outputs[0].sum(axis=1), 1, rtol=1e-6)


def regression_model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
    return model


def test_a_model_is_cloned_for_each_fit_unless_it_goes_on_warm():
    X, _ = classes()
    y = X @ [1.0, 2.0, 3.0]
    model = regression_model()
    cold = SKLearnRegressor(model, fit_kwargs={"epochs": 3, "verbose": 0}).fit(X, y)
    assert cold.model_ is not model
    assert "mae" in cold.history_
    warm = SKLearnRegressor(model, warm_start=True, fit_kwargs={"epochs": 3, "verbose": 0}).fit(X, y)
    assert warm.model_ is model
    first = warm.history_["loss"]
    warm.fit(X, y)
    assert warm.model_ is model
    assert warm.history_["loss"][0] < first[-1]
    assert warm.score(X, y) > 0.5


def test_a_transformer_before_another_estimator():
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    X, _ = classes()
    y = X @ [1.0, 2.0, 3.0]
    step = SKLearnTransformer(dynamic, model_kwargs={"units": (4,)}, fit_kwargs={"verbose": 0})
    assert make_pipeline(step, LinearRegression()).fit(X, y).predict(X).shape == (60,)


def test_requests_for_metadata():
    import sklearn

    with pytest.raises(RuntimeError, match="needs metadata routing"):
        classifier().set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = classifier().set_fit_request(sample_weight=True)
        assert routed.get_metadata_routing().fit.requests == {"sample_weight": True}


@pytest.mark.parametrize(
    ("fit", "text"),
    [
        (lambda X, y: classifier().fit(X, X[:, 0]), "Only binary and multiclass target types .* continuous"),
        (lambda X, y: classifier().fit(X, ["a"] * len(X)), "only one class"),
        (lambda X, y: SKLearnRegressor(lambda X, y: keras.Sequential()).fit(X, X[:, 0]), "must be compiled"),
        (
            lambda X, y: SKLearnClassifier(regression_model(), True, fit_kwargs={"verbose": 0}).fit(X, y).predict(X),
            "an output for each of the 2 classes",
        ),
    ],
)
def test_bad_fits(fit, text):
    with pytest.raises((ValueError, TypeError), match=text):
        fit(*classes())


def test_without_sklearn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(
        ExtraMissing, match=r'SKLearnClassifier: expected the package sklearn(.|\n)*"nbkeras\[sklearn\]"'
    ):
        keras.wrappers.SKLearnClassifier  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'SKLearnClusterer'"):
        keras.wrappers.SKLearnClusterer  # noqa: B018
    assert "SKLearnRegressor" in dir(keras.wrappers)
