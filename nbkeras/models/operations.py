"""Functions of `ops` inside functional models, as the configurations that Keras writes for its operation classes.

Keras has a class for each function: its constructor takes the settings, its call the tensors. Here the function is
called with all of them, so a configuration is made by telling the two kinds of arguments apart by their names.
"""

from __future__ import annotations

import inspect

from nbkeras.errors import ArgumentError, nearest
from nbkeras.graph.keras_tensor import NAMES, Function
from nbkeras.ops.common import FUNCTIONS

#: Names of the arguments that Keras's operation classes take when called; all others are settings.
OPERANDS = frozenset(
    "a abs_ angle args array atol b beta bias bins branches choicelist condition condlist constant_values coordinates "
    "data default depthwise_kernel elements elems end_points f false_fn fill_value fun gamma images index indices init "
    "init_val inputs kernel key kwargs loop_vars mask mean offset operands output output_length pointwise_kernel pred "
    "predictions primals q query rtol scale segment_ids sequence_lengths sorted_sequence start start_indices "
    "start_points step stop tangents target target_length targets transform true_fn updates value values variable "
    "variance weights x x1 x2 xs y".split()
)
#: Where a name of `OPERANDS` is a setting nevertheless.
SETTINGS = {"Bincount": ("weights",), "Trapezoid": ("x",), "Diagonal": ("offset",), "Trace": ("offset",)}
SETTINGS |= {"Histogram": ("bins",), "Squareplus": ("b",), "AllClose": ("rtol", "atol")}
SETTINGS |= dict.fromkeys(("Unique", "Resize", "AffineTransform", "MapCoordinates"), ("fill_value",))

#: Keras's class names that are not the function's name in camel case.
CLASSES = {"batch_normalization": "BatchNorm", "layer_normalization": "LayerNorm", "rms_normalization": "RMSNorm"}
CLASSES |= {name: name.upper() for name in ("fft", "fft2", "ifft2", "rfft", "irfft", "stft", "istft", "svd", "psnr")}
CLASSES |= {"ctc_loss": "CTCLoss", "ctc_decode": "CTCDecode"}

#: Keras's modules other than `numpy`, where most functions are.
_MODULES = {
    "nn": "AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm BinaryCrossentropy CTCDecode CTCLoss "
    "CategoricalCrossentropy Celu Conv ConvTranspose DepthToSpace DepthwiseConv DotProductAttention Elu Fold Gelu Glu "
    "HardShrink HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu LogSigmoid LogSoftmax MaxPool Moments MultiHot "
    "Normalize OneHot PSNR Polar RMSNorm Relu Relu6 Selu SeparableConv Sigmoid Silu SoftShrink Softmax Softplus "
    "Softsign SpaceToDepth SparseCategoricalCrossentropy SparsePlus SparseSigmoid Sparsemax Squareplus TanhShrink "
    "Threshold Unfold",
    "math": "Erf Erfc Erfinv ExtractSequences FFT FFT2 IFFT2 IRFFT ISTFT InTopK Logdet Logsumexp RFFT Rsqrt STFT "
    "SegmentMax SegmentSum TopK",
    "linalg": "Cholesky CholeskyInverse Det Eig Eigh Inv Lstsq LuFactor MatrixRank Norm Pinv Qr SVD Solve "
    "SolveTriangular",
    "core": "AssociativeScan Cast Cond ConvertToTensor ForiLoop Map SaturateCast Scan Scatter ScatterUpdate Slice "
    "SliceUpdate StopGradient Switch Unstack VectorizedMap WhileLoop",
    "image": "AffineTransform Resize",
}
MODULES = {cls: f"keras.src.ops.{module}" for module, classes in _MODULES.items() for cls in classes.split()}
NUMPY = "keras.src.ops.numpy"


def class_name(function_name: str) -> str:
    """Keras's class for a function.

    Example:
        >>> class_name("log_softmax"), class_name("getitem"), class_name("fft")
        ('LogSoftmax', 'GetItem', 'FFT')
    """
    name = NAMES.get(function_name, function_name)
    return CLASSES.get(name) or "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def is_operation(config) -> bool:
    """True for the configuration of a function, as against that of a layer."""
    return str(config.get("module")).startswith("keras.src.ops.")


def serialize(function: Function, settings: dict) -> dict:
    """The configuration of a function in a model."""
    cls = class_name(function.function.__name__)
    return {
        "module": MODULES.get(cls, NUMPY),
        "class_name": cls,
        "config": {"name": function.name, **settings},
        "registered_name": cls,
    }


def split(function, args, kwargs):
    """The arguments of a call as Keras's class takes them.

    Returns:
        args, kwargs: what the class is called with.
        settings: what its constructor takes.
    """
    signature = inspect.signature(function)
    fixed = SETTINGS.get(class_name(function.__name__), ())
    operands, settings = [], {}
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        if name not in OPERANDS or name in fixed:
            settings[name] = value
        elif signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            operands.extend(value)
        else:
            operands.append(value)
    return operands, {}, settings


def deserialize(config: dict) -> tuple[Function, dict]:
    """The function of a configuration, found by exact name in the closed table of `ops`, and its settings."""
    classes = {class_name(name): function for name, function in FUNCTIONS.items()}
    function = classes.get(config["class_name"])
    if function is None:
        raise ArgumentError(
            f"unknown operation {config['class_name']!r}; {nearest(str(config['class_name']), classes)}"
        )
    settings = dict(config.get("config") or {})
    return Function(function, settings.pop("name", None)), settings


def arguments(function, args, kwargs, settings):
    """The arguments of the function for a call of Keras's class with these settings: undoes `split`."""
    parameters = inspect.signature(function).parameters
    fixed = SETTINGS.get(class_name(function.__name__), ())
    unknown = [name for name in (*settings, *kwargs) if name not in parameters]
    if unknown:
        raise ArgumentError(f"operation {function.__name__!r} has no argument {unknown[0]!r}.")
    bound, rest = {**settings, **kwargs}, list(args)
    positional = []
    for name, parameter in parameters.items():
        operand = name in OPERANDS and name not in fixed and name not in bound
        if operand and parameter.kind is parameter.VAR_POSITIONAL:
            positional = [*(bound.pop(n) for n in list(parameters) if n in bound), *rest]
            rest = []
        elif operand and rest:
            bound[name] = rest.pop(0)
    if rest:
        raise ArgumentError(f"operation {function.__name__!r} got {len(args)} arguments, more than it takes.")
    return positional, bound
