"""The reference of Equinox: numerics, ISA, functional core, timing, compiler, workloads, traces."""

from .environment import prepare

prepare()
