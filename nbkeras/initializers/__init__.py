"""First values of weights, with Keras's names."""

from nbkeras.initializers.constant import Constant, Identity, Ones, Zeros
from nbkeras.initializers.initializer import Initializer
from nbkeras.initializers.lookup import deserialize, get, serialize
from nbkeras.initializers.random import Orthogonal, RandomInitializer, RandomNormal, RandomUniform, TruncatedNormal
from nbkeras.initializers.stft import STFT
from nbkeras.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

constant = Constant
identity = IdentityInitializer = Identity
stft = STFTInitializer = STFT
ones = Ones
zeros = Zeros
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
