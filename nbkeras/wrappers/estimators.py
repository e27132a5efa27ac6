"""A model as a scikit-learn estimator: for pipelines, grid searches and scikit-learn's own cross-validation."""

from __future__ import annotations

import contextlib
import copy

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from nbkeras.config import floatx
from nbkeras.errors import ArgumentError, DataError, StateError
from nbkeras.models import Model
from nbkeras.random.global_seed import seeded_apart


class SKLBase(BaseEstimator):
    """What the three estimators share.

    Args:
        model: a compiled `Model`, or a function that returns one. The function is called with the keyword arguments X
            and y, as they reach `fit`, and those in `model_kwargs`. A `Model` is cloned before it is fitted, so that
            every fit starts from new weights.
        warm_start: True goes on from the weights that the last fit left; a `Model` is then fitted itself, not a clone.
        model_kwargs: arguments for the function.
        fit_kwargs: arguments for `model.fit`, such as epochs; those given to this class's `fit` win.
        random_state: an integer or NumPy `RandomState` makes every fit start from the same weights and shuffle in the
            same order, apart from the global seed; None goes on with that.

    Attributes:
        model_: the fitted model.
        history_: name -> list of values, one an epoch.
    """

    def __init__(self, model, warm_start=False, model_kwargs=None, fit_kwargs=None, random_state=None):
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs
        self.random_state = random_state

    def __sklearn_clone__(self):
        # scikit-learn would copy a model layer by layer as it copies parameters; fit makes the new weights.
        is_model = isinstance(self.model, Model)
        model = copy.deepcopy(self.model) if is_model and self.warm_start else self.model
        return type(self)(
            model=model,
            warm_start=self.warm_start,
            model_kwargs=copy.deepcopy(self.model_kwargs),
            fit_kwargs=copy.copy(self.fit_kwargs),
            random_state=copy.deepcopy(self.random_state),
        )

    def set_fit_request(self, **requests):
        """Say which metadata `fit` takes from meta-estimators, where metadata routing is enabled.

        Args:
            requests: name -> True, False, None or an alias.
        """
        from sklearn import get_config
        from sklearn.utils.metadata_routing import MetadataRequest

        if not get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                f"{type(self).__name__}.set_fit_request needs metadata routing.\n"
                "  Next: sklearn.set_config(enable_metadata_routing=True)"
            )
        self._metadata_request = MetadataRequest(owner=type(self).__name__)
        for name, alias in requests.items():
            self._metadata_request.fit.add_request(param=name, alias=alias)
        return self

    @property
    def epoch_(self) -> int:
        """How many epochs the last fit had."""
        return len(next(iter(getattr(self, "history_", {}).values()), ()))

    def fit(self, X, y, **kwargs):
        """Fit a model.

        Args:
            X: the inputs, (N, F).
            y: the targets, (N,).
            kwargs: arguments for `model.fit`; they win over `fit_kwargs`.

        Raises:
            ValueError: X or y cannot be used (scikit-learn's messages).
            StateError: the model is not compiled with a loss and an optimizer.
        """
        X, y = validate_data(self, X, y)
        y = self._encode_first(y)
        with self._randomness():
            self._fit(X, y, kwargs)
        return self

    def _fit(self, X, y, kwargs) -> None:
        model = self._model_for(X, y)
        if not model.compiled or not model.loss or not model.optimizer:
            raise StateError(
                f"{type(self).__name__}: the model {model.name!r} must be compiled with a loss and an optimizer.",
                next="call model.compile(optimizer=..., loss=...) before it is wrapped, or in the function.",
            )
        history = model.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        self.history_ = history.history
        self.model_ = model

    def _randomness(self):
        if self.random_state is None:
            return contextlib.nullcontext()
        return seeded_apart(int(check_random_state(self.random_state).randint(2**31)))

    def predict(self, X):
        """The predicted targets for (N, F) inputs, in the form of the y that was fitted."""
        return self._decode(self._outputs(X))

    def _model_for(self, X, y) -> Model:
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if not isinstance(self.model, Model):
            return self.model(X=X, y=y, **(self.model_kwargs or {}))
        if self.warm_start:
            return self.model
        from nbkeras.models import clone_model

        clone = clone_model(self.model)
        if not clone.compiled and self.model.compiled:
            clone.compile_from_config(self.model.get_compile_config())
        return clone

    def _outputs(self, X) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self.model_.predict(X, verbose=0)

    def _encode_first(self, y: np.ndarray) -> np.ndarray:
        """The targets of a fit as the model gets them, (N, outputs); remembers what `_decode` needs."""
        type_of_target(y, raise_unknown=True)
        return y.reshape(-1, 1)

    def _decode(self, outputs: np.ndarray) -> np.ndarray:
        return outputs.reshape(-1) if outputs.shape[1:] == (1,) else outputs


class SKLearnClassifier(ClassifierMixin, SKLBase):
    """A classifier from a model with one output a class (two for two classes).

    The model is fitted to one-hot rows: its loss is `categorical_crossentropy`, its output a softmax.

    Args:
        model, warm_start, model_kwargs, fit_kwargs, random_state: see `SKLBase`: a compiled model or a function of X,
            y and more that returns one; whether to go on from the last fit; arguments of the function; arguments of
            `fit`; a seed.

    Attributes:
        model_, history_: the fitted model and its history.
        classes_: the classes, sorted, (classes,).

    Example:
        >>> import nbkeras as keras
        >>> def build(X, y, units=4):
        ...     model = keras.Sequential([
        ...         keras.Input(X.shape[1:]),
        ...         keras.layers.Dense(units, activation="relu"),
        ...         keras.layers.Dense(y.shape[1], activation="softmax"),
        ...     ])
        ...     model.compile("adam", "categorical_crossentropy")
        ...     return model
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array(["low", "mid", "mid"])
        >>> classifier = SKLearnClassifier(build, model_kwargs={"units": 2}, fit_kwargs={"epochs": 2, "verbose": 0})
        >>> classifier.fit(X, y).predict(X).shape, classifier.classes_.tolist()
        ((3,), ['low', 'mid'])

    Source: names, arguments and behaviour follow `keras.wrappers.SKLearnClassifier`; `random_state` is ours.
    """

    def decision_function(self, X):
        """The model's outputs, (N, classes)."""
        return self._outputs(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def _encode_first(self, y: np.ndarray) -> np.ndarray:
        kind = type_of_target(y, raise_unknown=True)
        if kind not in ("binary", "multiclass"):
            raise DataError(
                f"SKLearnClassifier: Only binary and multiclass target types are supported. Target type: {kind}",
                next="pass one class a row; for several labels a row, or real targets, use SKLearnRegressor.",
            )
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise DataError(
                "SKLearnClassifier: Classifier can't train when only one class is present.",
                next="pass rows of at least two classes.",
            )
        return np.eye(len(self.classes_), dtype=floatx())[numbers.reshape(-1)]

    def _decode(self, outputs: np.ndarray) -> np.ndarray:
        if outputs.shape[1:] != (len(self.classes_),):
            raise ArgumentError(
                f"SKLearnClassifier: expected an output for each of the {len(self.classes_)} classes, but the model "
                f"gives shape {outputs.shape}.",
                next="end the model with Dense(y.shape[1], activation='softmax').",
            )
        return self.classes_[outputs.argmax(axis=1)]


class SKLearnRegressor(RegressorMixin, SKLBase):
    """A regressor from a model with one output.

    Args:
        model, warm_start, model_kwargs, fit_kwargs, random_state: see `SKLBase`: a compiled model or a function of X,
            y and more that returns one; whether to go on from the last fit; arguments of the function; arguments of
            `fit`; a seed.

    Attributes:
        model_, history_: the fitted model and its history.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 2.0, 4.0])
        >>> SKLearnRegressor(model, warm_start=True).fit(X, y, epochs=2, verbose=0).predict(X).shape
        (3,)

    Source: names, arguments and behaviour follow `keras.wrappers.SKLearnRegressor`; `random_state` is ours.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, SKLBase):
    """A transformer, in scikit-learn's sense: a model whose outputs are features for a later step.

    Args:
        model, warm_start, model_kwargs, fit_kwargs, random_state: see `SKLBase`: a compiled model or a function of X,
            y and more that returns one; whether to go on from the last fit; arguments of the function; arguments of
            `fit`; a seed.

    Attributes:
        model_, history_: the fitted model and its history.

    Example:
        >>> import nbkeras as keras
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 2.0, 4.0])
        >>> SKLearnTransformer(model, warm_start=True).fit(X, y, verbose=0).transform(X).shape
        (3, 1)

    Source: names, arguments and behaviour follow `keras.wrappers.SKLearnTransformer`; `random_state` is ours.
    """

    def transform(self, X):
        """The model's outputs for (N, F) inputs."""
        return self._outputs(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
