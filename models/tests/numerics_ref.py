"""An independent scalar reference for the number formats: exact rationals, rounded once.

Shares nothing with ``equinox_core.numerics`` but the rules; values are decoded from bit patterns, computed
with ``Fraction`` and encoded again. Slow, for tests only.
"""

from __future__ import annotations

from fractions import Fraction

INF = "inf"
NAN = "nan"
Value = tuple[int, Fraction | str]  # (sign, magnitude or INF or NAN)
ZERO = Fraction(0)


def decode(bits: int, width: int) -> Value:
    """Value of a bf16 (width 16) or fp32 (width 32) pattern; subnormals are zero."""
    frac_bits = width - 9
    sign = bits >> (width - 1)
    exp = (bits >> frac_bits) & 0xFF
    frac = bits & ((1 << frac_bits) - 1)
    if exp == 255:
        return (0, NAN) if frac else (sign, INF)
    if exp == 0:
        return sign, ZERO
    return sign, Fraction((1 << frac_bits) + frac, 1 << frac_bits) * Fraction(2) ** (exp - 127)


def encode(value: Value, width: int) -> int:
    """Pattern of a value: RNE, overflow to infinity, magnitudes below 2**-126 to zero."""
    sign, mag = value
    frac_bits = width - 9
    if mag == NAN:
        return 0x1FF << (frac_bits - 1)  # exponent ones, top fraction bit one, sign zero
    top = sign << (width - 1)
    if mag == INF:
        return top | 0xFF << frac_bits
    if not isinstance(mag, Fraction):
        raise TypeError(f"magnitude {mag!r}: legal are a Fraction, INF and NAN")
    if mag < Fraction(1, 1 << 126):
        return top
    exp = mag.numerator.bit_length() - mag.denominator.bit_length()
    if Fraction(2) ** exp > mag:
        exp -= 1
    scaled = mag / Fraction(2) ** (exp - frac_bits)
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest
    if twice > scaled.denominator or (twice == scaled.denominator and whole & 1):
        whole += 1
    if whole >> (frac_bits + 1):
        whole >>= 1
        exp += 1
    if exp > 127:
        return top | 0xFF << frac_bits
    return top | (exp + 127) << frac_bits | (whole & ((1 << frac_bits) - 1))


def add(a: Value, b: Value) -> Value:
    """Exact sum."""
    (sa, ma), (sb, mb) = a, b
    if NAN in (ma, mb) or (ma == INF and mb == INF and sa != sb):
        return 0, NAN
    if ma == INF:
        return a
    if mb == INF:
        return b
    total = (-ma if sa else ma) + (-mb if sb else mb)  # type: ignore[operator]
    if total == 0:
        return (sa & sb if ma == 0 else 0), ZERO
    return int(total < 0), abs(total)


def mul(a: Value, b: Value) -> Value:
    """Exact product."""
    (sa, ma), (sb, mb) = a, b
    if NAN in (ma, mb) or (ma == INF and mb == ZERO) or (ma == ZERO and mb == INF):
        return 0, NAN
    if INF in (ma, mb):
        return sa ^ sb, INF
    return sa ^ sb, ma * mb  # type: ignore[operator]


def maximum(a: Value, b: Value) -> Value:
    """Larger value; +0 is larger than -0."""
    if NAN in (a[1], b[1]):
        return 0, NAN

    def key(v: Value) -> tuple[Fraction, int]:
        mag = Fraction(2) ** 200 if v[1] == INF else v[1]
        return (-mag if v[0] else mag), -v[0]  # type: ignore[operator,return-value]

    return a if key(a) >= key(b) else b


def block_product(total: int, ea: int, eb: int) -> int:
    """fp32 pattern of ``total * 2**(ea+eb-266)``."""
    if 255 in (ea, eb):
        return 0x7FC00000
    return encode((int(total < 0), abs(total) * Fraction(2) ** (ea + eb - 266)), 32)
