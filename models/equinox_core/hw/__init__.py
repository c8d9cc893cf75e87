"""The facts of the hardware, each in one place.

Parameters, modes and policies, states and causes, packed structs, pipeline constants. ``scripts/gen_hw.py`` writes from
here ``rtl/common/eqx_pkg.sv``, ``rtl/converter/eqx_conv_pkg.sv``, ``rtl/common/eqx_param_check.sv``, the enumerations
of ``rtl/csr/eqx_csr.rdl``, and tables of the docs; Python imports it. Instruction formats:
:mod:`equinox_core.isa.encoding`.
"""
