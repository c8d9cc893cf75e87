"""The arithmetic of the core: bfloat16, fp32, activation functions and HBFP8 (``docs/numerics.md``)."""

from ..isa.encoding import Act
from .activation import act, act_define, act_table
from .formats import (
    BF16_INF, BF16_NAN, BF16_ONE, FP32_INF, FP32_NAN, as_bf16, as_fp32, bf16_add, bf16_from_float,
    bf16_max, bf16_mul, bf16_mul_fp32, bf16_sub, bf16_to_fp32, fp32_add, fp32_bits, fp32_canon,
    fp32_from_bits, fp32_max, fp32_neg, fp32_sub, fp32_to_bf16, fp64_to_fp32, sgd_update,
)
from .hbfp import (
    E_BIAS, E_SPECIAL, Q_MAX, block_exponent, dequantise, hbfp_matmul, int_to_fp32, quantise,
    quantise_with,
)

__all__ = [
    "Act", "BF16_INF", "BF16_NAN", "BF16_ONE", "E_BIAS", "E_SPECIAL", "FP32_INF", "FP32_NAN", "Q_MAX",
    "act", "act_define", "act_table", "as_bf16", "as_fp32", "bf16_add", "bf16_from_float", "bf16_max",
    "bf16_mul", "bf16_mul_fp32", "bf16_sub", "bf16_to_fp32", "block_exponent", "dequantise", "fp32_add",
    "fp32_bits", "fp32_canon", "fp32_from_bits", "fp32_max", "fp32_neg", "fp32_sub", "fp32_to_bf16",
    "fp64_to_fp32", "hbfp_matmul", "int_to_fp32", "quantise", "quantise_with", "sgd_update",
]
