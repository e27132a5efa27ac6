"""Models as scikit-learn estimators, with Keras's names; they need the extra `sklearn`, when first used."""

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __getattr__(name):
    # The classes inherit from scikit-learn's, which importing nbkeras must not load.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nbkeras.extras import need

    need("sklearn.base", name)
    from nbkeras.wrappers import estimators

    return getattr(estimators, name)


def __dir__():
    return sorted({*globals(), *__all__})
