"""Wrong arguments and inputs: the error comes before any work, and says what to do."""

from __future__ import annotations

import numpy as np
import pytest

from nbkeras import layers, ops
from nbkeras.errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from nbkeras.graph.keras_tensor import KerasTensor


def x(*shape):
    return np.ones(shape, "float32")


def built():
    layer = layers.Dense(2, name="fc1")
    layer(x(3, 64))
    return layer


class NoReturn(layers.Layer):
    def call(self, inputs):
        pass


class NoShape(layers.Layer):
    def build(self, foo_shape, bar):
        pass

    def call(self, foo, bar):
        return foo + bar


class Unknown(layers.Layer):
    def build(self, foo_shape, baz_shape):
        pass

    def call(self, foo, bar=None):
        return foo


class NoSuper(layers.Layer):
    def __init__(self):
        pass


BAD = {
    "units": (lambda: layers.Dense(0), ArgumentError, r"\(Dense\): units must be a positive whole number, got 0"),
    "units text": (lambda: layers.Dense("3"), ArgumentError, "got '3'"),
    "unknown argument": (lambda: layers.Dense(3, unit=4), ArgumentTypeError, "Dense: unknown argument 'unit'"),
    "activation": (lambda: layers.Dense(3, activation="rellu"), ArgumentError, "did you mean 'relu'"),
    "dtype": (lambda: layers.Dense(3, dtype="float8"), ArgumentError, "Cannot convert 'float8' to a dtype policy"),
    "axes of a product": (lambda: layers.Dot(axes=5)([x(2, 3), x(2, 3)]), ArgumentError, r"\(Dot\): .* have no axes 5"),
    "shared axes": (
        lambda: layers.PReLU(shared_axes=[2])(x(2, 3)),
        ArgumentError,
        r"shared_axes \[2\] must lie between 1",
    ),
    "shape of an input": (lambda: layers.Input("ab"), ArgumentTypeError, "a shape is made of .* got 'ab'"),
    "half a feature": (
        lambda: layers.Input((2.5,)),
        ArgumentTypeError,
        r"a shape is made of whole numbers.* got \(2.5,\)",
    ),
    "rank": (lambda: layers.Dense(3)(x(3)), ShapeError, r"expects input of rank at least 2 but got shape \(3,\)"),
    "features": (lambda: built()(x(3, 5)), ShapeError, r"'fc1' \(Dense\) was built for 64 input features"),
    "open features": (lambda: layers.Dense(3)(KerasTensor((None, None))), ShapeError, "last axis of the input must be"),
    "filters": (
        lambda: layers.Conv2D(0, 3),
        ArgumentError,
        r"\(Conv2D\): filters must be a positive whole number, got 0",
    ),
    "kernel sizes": (lambda: layers.Conv2D(2, (3, 3, 3)), ArgumentError, r"\(Conv2D\): kernel_size must be .* or 2 of"),
    "kernel size": (lambda: layers.Conv1D(2, 0), ArgumentError, "kernel_size must be a whole number from 1 on.* got 0"),
    "strides": (lambda: layers.Conv3D(2, 3, strides=(1, -1, 1)), ArgumentError, r"strides must be .*got \(1, -1, 1\)"),
    "padding": (lambda: layers.Conv2D(2, 3, padding="causal"), ArgumentError, "padding must be one of .*got 'causal'"),
    "format": (lambda: layers.Conv2D(2, 3, data_format="NHWC"), ArgumentError, "data_format must be .*got 'NHWC'"),
    "stride and dilation": (
        lambda: layers.Conv2DTranspose(2, 3, strides=2, dilation_rate=2),
        ArgumentError,
        r"strides \(2, 2\) cannot be used together with dilation_rate \(2, 2\)",
    ),
    "groups": (lambda: layers.Conv1D(3, 2, groups=2), ArgumentError, "3 filters cannot be cut into 2 groups"),
    "groups of channels": (
        lambda: layers.Conv1D(4, 2, groups=2)(x(1, 5, 3)),
        ShapeError,
        "3 input channels cannot be cut",
    ),
    "window": (
        lambda: layers.Conv2D(2, 5)(x(1, 4, 9, 3)),
        ShapeError,
        r"shape \(1, 4, 9, 3\) is too small .*sizes \(0, 5",
    ),
    "image rank": (lambda: layers.Conv2D(2, 3)(x(4, 9, 3)), ShapeError, r"\(Conv2D\) expects input of rank 4"),
    "open channels": (
        lambda: layers.Conv1D(2, 3)(KerasTensor((None, 9, None))),
        ShapeError,
        "known number of channels",
    ),
    "multiplier": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=0),
        ArgumentError,
        "depth_multiplier must be a pos",
    ),
    "output padding": (
        lambda: layers.Conv1DTranspose(2, 3, strides=2, output_padding=2),
        ArgumentError,
        r"output_padding \(2,\) must be less than strides \(2,\)",
    ),
    "conv channels": (
        lambda: ops.conv(x(1, 5, 3), x(2, 2, 4)),
        ShapeError,
        "conv: 3 input channels do not fit a kernel",
    ),
    "conv ranks": (lambda: ops.conv(x(1, 5, 3), x(2, 2, 3, 4)), ShapeError, "conv: inputs .* and kernel .* do not fit"),
    "conv size": (lambda: ops.conv(x(1, 2, 3), x(3, 3, 4)), ShapeError, r"conv: .* too small .* sizes \(0,\)"),
    "conv_transpose channels": (
        lambda: ops.conv_transpose(x(1, 5, 3), x(2, 3, 4)),
        ShapeError,
        "3 input channels do not",
    ),
    "depthwise channels": (lambda: ops.depthwise_conv(x(1, 5, 3), x(2, 2, 1)), ShapeError, "depthwise_conv: inputs"),
    "rate": (lambda: layers.Dropout(1.5), ArgumentError, "expected rate to be a number from 0 up to 1, got 1.5"),
    "noise": (lambda: layers.Dropout(0.5, (1,))(x(2, 2), training=True), ShapeError, "noise_shape .* not the rank"),
    "slope": (
        lambda: layers.ReLU(negative_slope=-1),
        ArgumentError,
        "expected negative_slope to be a finite number from 0 on, got -1",
    ),
    "reshape": (lambda: layers.Reshape((4, 4))(x(2, 3)), ShapeError, r"shape \(3,\) have 3 values, which do not fit"),
    "reshape twice": (lambda: layers.Reshape((-1, -1)), ArgumentError, "only one axis may be -1"),
    "permute": (lambda: layers.Permute((0, 1)), ArgumentError, "must be a permutation of 1 to 2"),
    "permute rank": (lambda: layers.Permute((2, 1))(x(2, 3)), ShapeError, "expects input of rank 3"),
    "reshape below": (lambda: layers.Reshape((-2, 5)), ArgumentError, "from 0 on, or -1 for one axis, got .-2, 5"),
    "repeat": (lambda: layers.RepeatVector(1.5), ArgumentTypeError, "n must be a whole number, got 1.5"),
    "repeat never": (lambda: layers.RepeatVector(0), ArgumentError, "n must be positive, got 0"),
    "pool size": (
        lambda: layers.MaxPooling2D((2, 0)),
        ArgumentError,
        "MaxPooling2D.: pool_size must be a whole number",
    ),
    "pool padding": (lambda: layers.AveragePooling1D(2, padding="causal"), ArgumentError, "padding must be one of"),
    "pool format": (lambda: layers.GlobalMaxPooling2D("first"), ArgumentError, "data_format must be 'channels_last'"),
    "pool too large": (lambda: layers.MaxPooling1D(4)(x(2, 3, 1)), ShapeError, "a window of .4,. does not fit"),
    "pool rank": (lambda: layers.MaxPooling2D()(x(2, 3, 1)), ShapeError, "rank 4 but got shape"),
    "norm synchronized": (lambda: layers.BatchNormalization(synchronized=True), ArgumentError, "not supported"),
    "norm bounds": (
        lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"rmin": 2, "rmax": 1}),
        ArgumentError,
        "rmax must not be below rmin, got 1 and 2",
    ),
    "norm mask": (
        lambda: layers.BatchNormalization()(x(2, 3, 1), mask=np.ones(2, bool)),
        ShapeError,
        "a mask must have one axis less",
    ),
    "norm axis": (lambda: layers.LayerNormalization({"axis": 1}), ArgumentTypeError, "axis must be a whole number or"),
    "norm groups": (
        lambda: layers.GroupNormalization(3)(x(2, 4)),
        ArgumentError,
        "4 channels cannot be cut into 3 groups",
    ),
    "no groups": (lambda: layers.GroupNormalization(0), ArgumentError, "groups must be a positive whole number or -1"),
    "upsampling": (lambda: layers.UpSampling1D(1.5), ArgumentTypeError, "size must be a whole number, got 1.5"),
    "interpolation": (
        lambda: layers.UpSampling2D(interpolation="cubic"),
        ArgumentError,
        "UpSampling2D.: interpolation must be one of nearest, bilinear",
    ),
    "zero padding": (
        lambda: layers.ZeroPadding2D((1, 2, 3)),
        ArgumentError,
        "padding must be a whole number, or for each",
    ),
    "cropping": (lambda: layers.Cropping1D(2)(x(2, 4, 1)), ShapeError, "cropping .2, 2. leaves nothing of an input"),
    "merge one": (lambda: layers.Add()(x(2, 3)), ArgumentError, "takes a list of inputs"),
    "merge none": (lambda: layers.Add()([]), ArgumentError, "takes a list of inputs"),
    "merge shapes": (lambda: layers.Add()([x(2, 3), x(2, 4)]), ShapeError, "do not broadcast"),
    "merge batches": (lambda: layers.Add()([x(2, 3), x(4, 3)]), ShapeError, "different batch sizes"),
    "subtract": (lambda: layers.Subtract()([x(2, 3)] * 3), ArgumentError, "takes exactly 2 inputs, got 3"),
    "concatenate": (lambda: layers.Concatenate()([x(2, 3, 1), x(2, 4, 1)]), ShapeError, "agree in every axis but -1"),
    "concatenate ranks": (lambda: layers.Concatenate()([x(2, 3, 1), x(2, 4)]), ShapeError, "cannot be joined along"),
    "dot": (lambda: layers.Dot(1)([x(2, 3), x(2, 4)]), ShapeError, "differ in length"),
    "dot three": (lambda: layers.Dot(1)([x(2, 3)] * 3), ArgumentError, "takes exactly 2 inputs, got 3"),
    "step": (lambda: layers.STFTSpectrogram(frame_step=300), ArgumentError, "up to frame_length, 256, got 300"),
    "fft": (lambda: layers.STFTSpectrogram(fft_length=64), ArgumentError, "from frame_length, 256, on, got 64"),
    "weights of a window": (
        lambda: layers.STFTSpectrogram(window=[1.0])(x(2, 300, 1)),
        ShapeError,
        r"the window must have shape \(256,\), got \(1,\)",
    ),
    "short sound": (lambda: layers.STFTSpectrogram()(layers.Input((9, 1))), ShapeError, "256 does not fit into"),
    "whole sound": (lambda: layers.STFTSpectrogram()(np.ones((1, 300, 1), int)), ArgumentTypeError, "expected floats"),
    "softmax mask": (lambda: layers.Softmax()(x(2, 3), mask=x(2, 4)), ShapeError, "mask .* does not broadcast"),
    "no return": (lambda: NoReturn()(layers.Input((3,))), ArgumentError, r"call\(\) returned None"),
    "name for shape": (
        lambda: layers.Layer().add_weight("scale", shape=(3,)),
        ArgumentError,
        r"add_weight got 'scale' for the shape.\n.*name=",
    ),
    "two shapes": (lambda: layers.Layer().add_weight((3,), shape=(3,)), ArgumentError, "by place, .* and by name"),
    "weight by place": (
        lambda: layers.Layer().add_weight((3,), "ones", "float32", True),
        ArgumentTypeError,
        "takes shape, initializer, dtype by place, got 4 values",
    ),
    "no shape": (lambda: NoShape()(x(2, 3), x(2, 3)), ArgumentError, "takes 'bar', .* are foo_shape, bar_shape"),
    "unknown shape": (lambda: Unknown()(x(2, 3)), ArgumentError, r"build\(\) takes 'baz_shape', which is no shape of"),
    "axis": (lambda: layers.UnitNormalization({"axis": 1}), ArgumentTypeError, "axis must be a whole number or a list"),
    "batch": (lambda: layers.Normalization().adapt(iter([42])), ArgumentTypeError, "batches of arrays, got 42 for one"),
    "no super": (lambda: NoSuper()(x(2, 3)), StateError, r"called before super\(\).__init__\(\)"),
    "no call": (lambda: layers.Layer()(x(2, 3)), NotImplementedError, r"has no call\(\)"),
    "count": (lambda: layers.Dense(3).count_params(), StateError, "count_params before the layer is built"),
    "weights": (lambda: built().set_weights([x(64, 2)]), ArgumentError, "set_weights takes 2 arrays, got 1"),
    "weight shape": (lambda: built().set_weights([x(2, 2), x(2)]), ShapeError, r"has shape \(64, 2\), got \(2, 2\)"),
    "input": (lambda: layers.Input(), ArgumentError, "no shape was given"),
    "sparse": (lambda: layers.Input((2,), sparse=True), ArgumentError, "sparse and ragged inputs are not supported"),
}


@pytest.mark.parametrize("name", BAD)
def test_error(name):
    call, kind, text = BAD[name]
    with pytest.raises(kind, match=text):
        call()


def test_a_shape_that_is_a_number():
    with pytest.raises(ArgumentTypeError, match=r"'d' \(Dense\): build takes a shape, got 5.\n.*build\(\(None, 5\)\)"):
        layers.Dense(2, name="d").build(5)
    with pytest.raises(ArgumentTypeError, match=r"Input 'x': a shape is made of whole numbers.*got 5"):
        layers.InputLayer(batch_shape=5, name="x")


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64"])
def test_whole_numbers_stay_whole(dtype):
    x = np.array([[[1, 2], [0, 0], [7, 3], [4, 9]]], dtype)
    pooled, masked = layers.MaxPooling1D(2)(x), layers.Masking(0)(x)
    assert (str(pooled.dtype), str(masked.dtype)) == (dtype, dtype)
    np.testing.assert_array_equal(pooled, [[[1, 2], [7, 9]]])
    np.testing.assert_array_equal(masked, x)
