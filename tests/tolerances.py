"""How far results may be from the float64 reference, per dtype: the one place where tests take tolerances from."""

#: A few operations after each other: a kernel's result against its formula in float64.
TOLERANCES = {
    "float32": {"rtol": 2e-6, "atol": 2e-6},
    "float64": {"rtol": 4e-15, "atol": 4e-15},
}

#: Units in the last place that one function of scalars.py may be off.
ULP = 4.0
