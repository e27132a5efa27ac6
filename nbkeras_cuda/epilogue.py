"""What happens to a sum between a product or convolution and its place in memory, on a thread."""

from nbkeras.kernels.scalars import RESIDUAL, activate, activation_slope
from nbkeras_cuda._jit import device


@device
def finished(total, bias, column, has_bias, activation, gate, place, gate_code):
    """activate((total + bias[column]) * slope(gate[place])), or with RESIDUAL activate(total + bias + gate[place]).

    Neither bias nor gate is read where its code is 0.
    """
    if has_bias != 0:
        total += bias[column]
    if gate_code == RESIDUAL:
        total += gate[place]
    elif gate_code != 0:
        total *= activation_slope(gate_code, gate[place])
    return activate(activation, total) if activation != 0 else total
