"""One row a layer: constructor arguments and the shape of a sample of each input."""

from __future__ import annotations

import numpy as np

ROWS = 3

#: (class, constructor arguments, sample shapes); several shapes are given as a list of inputs.
TABLE = [
    ("Dense", {"units": 4}, [(5,)]),
    ("Dense", {"units": 2, "activation": "tanh", "use_bias": False}, [(4, 3)]),
    ("Dense", {"units": 3, "activation": "softmax", "kernel_initializer": "he_normal"}, [(2,)]),
    (
        "Dense",
        {
            "units": 3,
            "bias_initializer": "ones",
            "kernel_regularizer": "l2",
            "bias_regularizer": "l1",
            "activity_regularizer": "l2",
            "kernel_constraint": "non_neg",
            "bias_constraint": "max_norm",
        },
        [(2,)],
    ),
    ("Conv1D", {"filters": 3, "kernel_size": 3}, [(6, 2)]),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "padding": "causal", "dilation_rate": 2, "groups": 2}, [(5, 4)]),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal", "data_format": "channels_first"}, [(2, 5)]),
    (
        "Conv2D",
        {"filters": 3, "kernel_size": (3, 2), "strides": 2, "padding": "same", "activation": "elu"},
        [(5, 4, 2)],
    ),
    (
        "Conv2D",
        {"filters": 2, "kernel_size": 1, "data_format": "channels_first", "activation": "softmax", "use_bias": False},
        [(3, 2, 3)],
    ),
    (
        "Conv2D",
        {
            "filters": 2,
            "kernel_size": 2,
            "dilation_rate": (2, 1),
            "kernel_initializer": "he_normal",
            "bias_initializer": "ones",
            "kernel_regularizer": "l2",
            "bias_regularizer": "l1",
            "activity_regularizer": "l2",
            "kernel_constraint": "non_neg",
            "bias_constraint": "max_norm",
        },
        [(4, 3, 2)],
    ),
    ("Conv3D", {"filters": 2, "kernel_size": (1, 2, 2), "strides": (1, 2, 1), "activation": "tanh"}, [(2, 3, 3, 2)]),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, [(5, 2)]),
    ("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "activation": "relu"}, [(4, 5, 3)]),
    (
        "DepthwiseConv2D",
        {"kernel_size": 3, "data_format": "channels_first", "padding": "same", "depthwise_regularizer": "l2"},
        [(2, 4, 3)],
    ),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 2, "strides": 2, "pointwise_regularizer": "l1"}, [(6, 2)]),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "padding": "same", "depth_multiplier": 2}, [(3, 4, 2)]),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 2, "strides": 3}, [(4, 2)]),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1, "activation": "elu"},
        [(3, 2, 2)],
    ),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": (3, 2), "dilation_rate": 2, "data_format": "channels_first"},
        [(2, 3, 2)],
    ),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": (2, 1, 1), "use_bias": False}, [(2, 2, 2, 2)]),
    *(("Activation", {"activation": a}, [(4, 3)]) for a in ("relu", "gelu", "softmax", "linear")),
    ("ReLU", {}, [(6,)]),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, [(6,)]),
    ("LeakyReLU", {"negative_slope": 0.2}, [(6,)]),
    ("ELU", {"alpha": 0.5}, [(6,)]),
    ("Softmax", {}, [(4, 3)]),
    ("Softmax", {"axis": 1}, [(4, 3)]),
    ("Softmax", {"axis": [1, 2]}, [(4, 3)]),
    ("Dropout", {"rate": 0.3, "seed": 1}, [(4,)]),
    ("Dropout", {"rate": 0.0}, [(4,)]),
    ("Flatten", {}, [(4, 3)]),
    ("Flatten", {}, [()]),
    ("Flatten", {"data_format": "channels_first"}, [(2, 3, 4)]),
    ("Reshape", {"target_shape": (6, 2)}, [(4, 3)]),
    ("Reshape", {"target_shape": (-1, 2)}, [(4, 3)]),
    ("Permute", {"dims": (2, 1)}, [(4, 3)]),
    ("Permute", {"dims": (3, 1, 2)}, [(4, 3, 2)]),
    ("RepeatVector", {"n": 3}, [(4,)]),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, [(5, 2)]),
    ("MaxPooling2D", {"pool_size": (2, 3), "strides": 1, "data_format": "channels_first"}, [(2, 3, 4)]),
    ("MaxPooling3D", {"pool_size": 2, "padding": "same"}, [(2, 3, 3, 1)]),
    ("AveragePooling1D", {"pool_size": 2, "strides": 3}, [(6, 2)]),
    ("AveragePooling2D", {"pool_size": 3, "strides": (1, 2), "padding": "same"}, [(3, 4, 2)]),
    ("AveragePooling3D", {"pool_size": (1, 2, 2), "data_format": "channels_first"}, [(1, 2, 3, 2)]),
    ("AdaptiveMaxPooling1D", {"output_size": 3}, [(7, 2)]),
    ("AdaptiveMaxPooling2D", {"output_size": (3, 2), "data_format": "channels_first"}, [(1, 5, 4)]),
    ("AdaptiveMaxPooling3D", {"output_size": 2}, [(2, 4, 2, 1)]),
    ("AdaptiveAveragePooling1D", {"output_size": 4, "data_format": "channels_first"}, [(2, 5)]),
    ("AdaptiveAveragePooling2D", {"output_size": 3}, [(5, 3, 1)]),
    ("AdaptiveAveragePooling3D", {"output_size": (1, 2, 2)}, [(2, 3, 2, 1)]),
    *(
        (f"Global{kind}Pooling{rank}D", {"data_format": order, "keepdims": keep}, [(2, 3, 2, 2)[: rank + 1]])
        for kind, order, keep in (("Max", "channels_last", False), ("Average", "channels_first", True))
        for rank in (1, 2, 3)
    ),
    ("BatchNormalization", {}, [(4,)]),
    ("BatchNormalization", {"axis": 1, "center": False, "gamma_regularizer": "l2"}, [(2, 3)]),
    ("BatchNormalization", {"scale": False, "renorm": True, "momentum": 0.5}, [(3, 2)]),
    ("LayerNormalization", {"epsilon": 0.1}, [(3, 4)]),
    ("LayerNormalization", {"axis": [1, 3], "beta_constraint": "non_neg"}, [(2, 3, 2)]),
    ("LayerNormalization", {"axis": [-1, -2], "center": False, "scale": False}, [(2, 3)]),
    ("GroupNormalization", {"groups": 2}, [(3, 4)]),
    ("GroupNormalization", {"groups": -1, "axis": 1, "scale": False}, [(2, 3)]),
    ("RMSNormalization", {"epsilon": 0.1}, [(2, 4)]),
    ("RMSNormalization", {"axis": [1, 2]}, [(2, 3)]),
    ("UnitNormalization", {}, [(4,)]),
    ("UnitNormalization", {"axis": [1, 2]}, [(2, 3)]),
    ("UpSampling1D", {"size": 3}, [(2, 3)]),
    ("UpSampling2D", {"size": (2, 1), "data_format": "channels_first"}, [(2, 2, 3)]),
    ("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}, [(3, 2, 1)]),
    ("UpSampling2D", {"interpolation": "bicubic", "data_format": "channels_first"}, [(1, 4, 5)]),
    ("UpSampling2D", {"size": 3, "interpolation": "lanczos3"}, [(2, 4, 1)]),
    ("UpSampling3D", {"size": (1, 2, 3)}, [(2, 1, 2, 1)]),
    ("ZeroPadding1D", {"padding": (0, 2)}, [(3, 2)]),
    ("ZeroPadding2D", {"padding": (1, 2)}, [(2, 1, 2)]),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 1)), "data_format": "channels_first"}, [(1, 2, 3)]),
    ("ZeroPadding3D", {"padding": 1}, [(1, 2, 1, 1)]),
    ("Cropping1D", {"cropping": (0, 1)}, [(3, 2)]),
    ("Cropping2D", {"cropping": ((1, 0), (0, 2)), "data_format": "channels_first"}, [(2, 3, 3)]),
    ("Cropping3D", {"cropping": ((0, 1), (1, 1), (0, 0))}, [(2, 3, 2, 1)]),
    ("Identity", {}, [(4, 3)]),
    ("PReLU", {"alpha_initializer": "ones"}, [(4, 3)]),
    ("PReLU", {"shared_axes": [1], "alpha_regularizer": "l2", "alpha_constraint": "non_neg"}, [(4, 3)]),
    ("PReLU", {"shared_axes": 2}, [(4, 3)]),
    ("Masking", {}, [(4, 3)]),
    ("Masking", {"mask_value": 1.5}, [(4, 3)]),
    ("Rescaling", {"scale": 0.5, "offset": -1.0}, [(4, 3)]),
    ("Rescaling", {"scale": [0.5, 2.0, 1.0]}, [(4, 3)]),
    ("Rescaling", {"scale": np.array([0.5, 2.0, 1.0], "float32"), "offset": np.float64(1)}, [(4, 3)]),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, [(4,)]),
    ("GaussianNoise", {"stddev": 0.3, "seed": 1}, [(4,)]),
    ("GaussianDropout", {"rate": 0.3, "seed": 1}, [(4,)]),
    ("AlphaDropout", {"rate": 0.3, "noise_shape": (None, 1), "seed": 1}, [(4,)]),
    ("SpatialDropout1D", {"rate": 0.3, "seed": 1}, [(4, 3)]),
    ("SpatialDropout2D", {"rate": 0.3, "data_format": "channels_first"}, [(4, 3, 2)]),
    ("SpatialDropout3D", {"rate": 0.0}, [(4, 3, 2, 2)]),
    ("Normalization", {}, [(4, 3)]),
    ("Normalization", {"axis": (1, 2)}, [(4, 3)]),
    ("Normalization", {"axis": None, "mean": 0.5, "variance": 2.0}, [(4, 3)]),
    ("Normalization", {"axis": -1, "mean": [0.5, 0.1, -1.0], "variance": [2.0, 1.0, 0.0], "invert": True}, [(4, 3)]),
    ("Normalization", {"axis": (1, 2), "mean": [0.5, 0.1, -1.0], "variance": [2.0, 1.0, 0.5]}, [(4, 3)]),
    *(
        ("STFTSpectrogram", {"mode": mode, "frame_length": 4, **options}, [(9, 8)])
        for mode, options in (
            ("log", {"frame_step": 1, "fft_length": 8, "expand_dims": True}),
            ("magnitude", {"padding": "same", "scaling": "spectrum"}),
            ("psd", {"data_format": "channels_first", "window": None}),
            ("real", {"data_format": "channels_first", "expand_dims": True, "window": "hamming"}),
            ("imag", {"frame_step": 3, "periodic": True, "scaling": None}),
            ("angle", {"fft_length": 8}),
            ("stft", {"padding": "same", "data_format": "channels_first", "fft_length": 8}),
        )
    ),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 4, "activation": "relu", "bias_axes": "c"}, [(3,)]),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (2, 4), "bias_axes": "d"}, [(2, 3)]),
    ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 5, "bias_axes": "y"}, [(2, 2, 3)]),
    ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 5, "bias_axes": "c"}, [(3, 2, 2)]),
    (
        "EinsumDense",
        {
            "equation": "abc,cde->abde",
            "output_shape": (3, 2, 4),
            "bias_axes": "de",
            "kernel_initializer": "he_normal",
            "kernel_regularizer": "l2",
            "bias_regularizer": "l1",
            "activity_regularizer": "l2",
            "kernel_constraint": "non_neg",
            "bias_constraint": "max_norm",
        },
        [(3, 2)],
    ),
    ("EinsumDense", {"equation": "abcd,cde->abe", "output_shape": (3, 4), "bias_axes": "be"}, [(3, 2, 2)]),
    *((name, {}, [(4,), (4,), (4,)]) for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")),
    *((name, {}, [(2, 4), (1, 4)]) for name in ("Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract")),
    ("Add", {}, [(2, 4), (4,)]),
    ("Subtract", {}, [(4,), (4,)]),
    ("Concatenate", {}, [(4,), (2,)]),
    ("Concatenate", {"axis": 1}, [(4, 3), (2, 3), (1, 3)]),
    ("Dot", {"axes": 1}, [(4,), (4,)]),
    ("Dot", {"axes": -1, "normalize": True}, [(4,), (4,)]),
    ("Dot", {"axes": (1, 2)}, [(4, 3), (2, 4)]),
    ("Dot", {"axes": (2, 1)}, [(4, 3), (3,)]),
]
IDS = [f"{name}-{number}" for number, (name, *_) in enumerate(TABLE)]


def draw(shapes, dtype="float32"):
    """An input of each shape, as the layer takes them: alone or as a list."""
    rng = np.random.default_rng(5)
    inputs = [rng.normal(size=(ROWS, *shape)).astype(dtype) for shape in shapes]
    return inputs[0] if len(inputs) == 1 else inputs


def alone(parts):
    """The only part of a list, or the list."""
    return parts[0] if len(parts) == 1 else parts
