"""Models that are built alike in both libraries: functions of the library `k`."""


def classifier(k, units=3, activation="softmax", hidden="tanh", inputs=6, **dense):
    layers = k.layers
    return k.Sequential(
        [k.Input((inputs,)), layers.Dense(8, activation=hidden, **dense), layers.Dense(units, activation=activation)]
    )


def regressor(k, **dense):
    return classifier(k, units=1, activation=None, **dense)


def delayed(k):
    """A Sequential without an input: built by the first batch."""
    return k.Sequential([k.layers.Dense(8, activation="relu"), k.layers.Dense(1)])


def reshaping(k):
    layers = k.layers
    return k.Sequential(
        [k.Input((2, 3)), layers.Flatten(), layers.Dense(6, activation="elu"), layers.Reshape((3, 2)), layers.Flatten(),
         layers.Activation("tanh"), layers.Dense(1)]
    )  # fmt: skip


def penalized(k):
    return classifier(
        k,
        units=1,
        activation=None,
        kernel_regularizer=k.regularizers.L1L2(0.01, 0.02),
        bias_regularizer="l2",
        activity_regularizer=k.regularizers.L2(0.03),
    )


def constrained(k):
    return classifier(k, kernel_constraint=k.constraints.MaxNorm(0.8), bias_constraint="non_neg")


def _branches(k):
    layers = k.layers
    a, b = k.Input((6,), name="first"), k.Input((4,), name="second")
    both = layers.Concatenate()([layers.Dense(5, activation="tanh")(a), layers.Dense(5, activation="relu")(b)])
    number = layers.Dense(1, name="number")(both)
    kind = layers.Dense(3, activation="softmax", name="kind")(layers.Dense(4, activation="tanh")(both))
    return a, b, number, kind


def two_by_two(k):
    """Two inputs and two outputs, in lists."""
    a, b, number, kind = _branches(k)
    return k.Model([a, b], [number, kind])


def two_by_two_dicts(k):
    """Two inputs and two outputs, in dicts."""
    a, b, number, kind = _branches(k)
    return k.Model({"first": a, "second": b}, {"number": number, "kind": kind})


def dict_to_list(k):
    a, b, number, kind = _branches(k)
    return k.Model({"first": a, "second": b}, [number, kind])


def two_inputs(k):
    a, b, number, _ = _branches(k)
    return k.Model([a, b], number)


def shared(k):
    """One layer called twice, and a sum and a product of what it gives."""
    layers = k.layers
    a, b = k.Input((6,)), k.Input((6,))
    dense = layers.Dense(5, activation="tanh")
    left, right = dense(a), dense(b)
    both = layers.Concatenate()([layers.Add()([left, right]), layers.Multiply()([left, right])])
    return k.Model([a, b], layers.Dense(1)(both))


def nested(k):
    """A Sequential and a functional model inside a functional model."""
    layers = k.layers
    inner = k.Sequential([k.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(4)], name="inner")
    x = k.Input((4,))
    head = k.Model(x, layers.Dense(3, activation="relu")(x), name="head")
    a = k.Input((6,))
    return k.Model(a, layers.Dense(1)(head(inner(a))))


def operators(k):
    """Functions of `ops` and Python's operators between layers."""
    a = k.Input((6,))
    x = k.layers.Dense(5)(a)
    x = k.ops.relu(x) * 2.0 + k.ops.mean(x, axis=-1, keepdims=True)
    return k.Model(a, k.layers.Dense(1)(x / 3.0 - 1.0))


def frozen(k):
    model = classifier(k)
    model.layers[0].trainable = False
    return model


def subclassed(k):
    class Tower(k.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [k.layers.Dense(5, activation="tanh"), k.layers.Dense(5, activation="relu")]
            self.head = k.layers.Dense(1)

        def call(self, inputs, training=None):
            x = inputs
            for block in self.blocks:
                x = block(x)
            return self.head(x) * (2.0 if training else 1.0)

    return Tower()
