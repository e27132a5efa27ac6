"""Is a tumour malignant? A sigmoid over thirty measurements of cell nuclei, and the ROC curve as picture.

Data: the Wisconsin diagnostic breast cancer table, 569 rows, as it comes with scikit-learn.
"""

from __future__ import annotations

import nbkeras as keras
from nbkeras.examples._example import load_table, read_arguments


def build(columns: int):
    """A network with one output: the probability of class 1."""
    model = keras.Sequential(
        [
            keras.Input((columns,)),
            keras.layers.Dense(16, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3)),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    metrics = ["accuracy", keras.metrics.AUC(name="auc"), keras.metrics.Recall(name="recall")]
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=metrics)
    return model


def main(arguments=None) -> dict:
    """Train, find a threshold, draw."""
    options = read_arguments(__doc__, "binary", 30, arguments)
    keras.utils.set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test), _ = load_table("breast_cancer", options.seed)
    # scikit-learn calls benign 1; here the class to be found is the malignant one.
    y_train, y_test = 1 - y_train, 1 - y_test
    model = build(x_train.shape[1])
    # 37 % are malignant; a missed one counts twice.
    model.fit(x_train, y_train, epochs=options.epochs, class_weight={0: 1.0, 1: 2.0}, verbose=2)

    probability = model.predict(x_test, verbose=0)[:, 0]
    area = keras.evaluation.roc_auc(y_test, probability)
    for threshold in (0.5, 0.2):
        print(f"\nMalignant from a probability of {threshold}:")
        report = keras.evaluation.classification_report(y_test, probability >= threshold, ["benign", "malignant"])
        print(report)
    keras.evaluation.plot_roc_curve(y_test, probability, path=options.output)
    print(f"\nArea under the ROC curve {area:.4f}. Picture: {options.output}")
    return {"area": area}


if __name__ == "__main__":
    main()
