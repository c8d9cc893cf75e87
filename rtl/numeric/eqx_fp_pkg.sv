// Scalar arithmetic of docs/numerics.md as functions: bf16 and fp32 patterns in, patterns out.
// The modules of this folder wrap them; calling them inside `if (valid) q <= f(x)` lets idle cycles cost nothing in
// simulation.
// Lint: predicates and roundings look at some bits only.
// verilator lint_off UNUSEDSIGNAL
package eqx_fp_pkg;

  localparam logic [15:0] BF16_NAN = 16'h7FC0;
  localparam logic [15:0] BF16_INF = 16'h7F80;
  localparam logic [15:0] BF16_ONE = 16'h3F80;
  localparam logic [31:0] FP32_NAN = 32'h7FC0_0000;
  localparam logic [31:0] FP32_INF = 32'h7F80_0000;

  // fp32_add between its two halves.
  typedef struct packed {
    logic        nan;
    logic        is_inf;
    logic        sign;    // of the larger operand
    logic        sub;     // magnitudes subtract
    logic [7:0]  exp;     // of the larger operand
    logic [23:0] big;     // significands; the smaller one (low) is aligned,
    logic [26:0] low;     // with guard, round and sticky bits
  } add_mid_t;

  // Flush a subnormal to the zero of its sign.
  function automatic logic [31:0] fp32_flush(input logic [31:0] x);
    return (x[30:23] == 8'd0) ? {x[31], 31'd0} : x;
  endfunction

  function automatic logic fp32_is_nan(input logic [31:0] x);
    return (x[30:23] == 8'hFF) && (x[22:0] != 23'd0);
  endfunction

  function automatic logic bf16_is_nan(input logic [15:0] x);
    return (x[14:7] == 8'hFF) && (x[6:0] != 7'd0);
  endfunction

  // First half of fp32 addition: order by magnitude, align.
  function automatic add_mid_t fp32_add_align(input logic [31:0] a, input logic [31:0] b);
    logic [31:0] x, y, l, s;
    logic [7:0] diff;
    logic [26:0] sig, kept;
    add_mid_t m;
    x        = fp32_flush(a);
    y        = fp32_flush(b);
    l        = (x[30:0] >= y[30:0]) ? x : y;
    s        = (x[30:0] >= y[30:0]) ? y : x;
    m.nan    = fp32_is_nan(l) || ((l[30:23] == 8'hFF) && (s[30:23] == 8'hFF) && (l[31] != s[31]));
    m.nan    = m.nan || fp32_is_nan(s);
    m.is_inf = l[30:23] == 8'hFF;
    m.sign   = l[31];
    m.sub    = l[31] != s[31];
    m.exp    = l[30:23];
    m.big    = {l[30:23] != 8'd0, l[22:0]};
    sig      = {s[30:23] != 8'd0, s[22:0], 3'd0};
    diff     = l[30:23] - s[30:23];
    kept     = sig >> diff[4:0];
    m.low    = kept;
    if ((sig ^ (kept << diff[4:0])) != 27'd0) m.low[0] = 1'b1;  // what was shifted out is sticky
    if (diff > 8'd26) m.low = 27'd0;  // too small to matter, even as sticky
    return m;
  endfunction

  // Second half of fp32 addition: add, normalise, round.
  function automatic logic [31:0] fp32_add_round(input add_mid_t m);
    logic        [27:0] sum;
    logic signed [ 9:0] exp;
    logic        [32:0] rounded;  // exponent and fraction
    if (m.nan) return FP32_NAN;
    if (m.is_inf) return {m.sign, FP32_INF[30:0]};
    sum = {1'b0, m.big, 3'd0};
    sum = m.sub ? sum - {1'b0, m.low} : sum + {1'b0, m.low};
    if (sum == 28'd0) return {m.sign && !m.sub, 31'd0};
    exp = signed'({2'b00, m.exp}) + 10'sd1;
    // Leading one to bit 27; bits [3:0] round.
    if (sum[27:12] == 16'd0) begin
      sum = sum << 16;
      exp = exp - 10'sd16;
    end
    if (sum[27:20] == 8'd0) begin
      sum = sum << 8;
      exp = exp - 10'sd8;
    end
    if (sum[27:24] == 4'd0) begin
      sum = sum << 4;
      exp = exp - 10'sd4;
    end
    if (sum[27:26] == 2'd0) begin
      sum = sum << 2;
      exp = exp - 10'sd2;
    end
    if (!sum[27]) begin
      sum = sum << 1;
      exp = exp - 10'sd1;
    end
    if (exp < 10'sd1) return {m.sign, 31'd0};
    rounded = {exp, sum[26:4]} + 33'(sum[3] && ((sum[2:0] != 3'd0) || sum[4]));
    if (rounded[32:23] >= 10'd255) return {m.sign, FP32_INF[30:0]};
    return {m.sign, rounded[30:0]};
  endfunction

  function automatic logic [31:0] fp32_add(input logic [31:0] a, input logic [31:0] b);
    return fp32_add_round(fp32_add_align(a, b));
  endfunction

  // Flip the sign, but not of NaN (which becomes canonical).
  function automatic logic [31:0] fp32_neg(input logic [31:0] x);
    return fp32_is_nan(x) ? FP32_NAN : {!x[31], x[30:0]};
  endfunction

  // Larger value; NaN if either is NaN; max(+0, -0) = +0.
  function automatic logic [31:0] fp32_max(input logic [31:0] a, input logic [31:0] b);
    logic [31:0] x, y;
    logic a_less;
    if (fp32_is_nan(a) || fp32_is_nan(b)) return FP32_NAN;
    x = fp32_flush(a);
    y = fp32_flush(b);
    if (x[31] != y[31]) a_less = x[31];
    else a_less = x[31] ? (x[30:0] > y[30:0]) : (x[30:0] < y[30:0]);
    return a_less ? y : x;
  endfunction

  function automatic logic [15:0] bf16_max(input logic [15:0] a, input logic [15:0] b);
    logic [31:0] y;
    y = fp32_max({a, 16'd0}, {b, 16'd0});
    return y[31:16];
  endfunction

  // bf16 to fp32: exact; flushes and makes NaN canonical.
  function automatic logic [31:0] bf16_to_fp32(input logic [15:0] x);
    return bf16_is_nan(x) ? FP32_NAN : fp32_flush({x, 16'd0});
  endfunction

  // fp32 to bf16: round to nearest even.
  function automatic logic [15:0] fp32_to_bf16(input logic [31:0] x);
    if (fp32_is_nan(x)) return BF16_NAN;
    if (x[30:23] == 8'd0) return {x[31], 15'd0};
    return x[31:16] + 16'(x[15] && ((x[14:0] != 15'd0) || x[16]));
  endfunction

  // Product of two bf16 values as fp32: never rounded.
  function automatic logic [31:0] bf16_mul(input logic [15:0] a, input logic [15:0] b);
    logic sign, a_zero, b_zero, a_inf, b_inf;
    logic        [15:0] prod;
    logic signed [ 9:0] exp;
    sign   = a[15] ^ b[15];
    a_zero = a[14:7] == 8'd0;
    b_zero = b[14:7] == 8'd0;
    a_inf  = a[14:7] == 8'hFF;
    b_inf  = b[14:7] == 8'hFF;
    if (bf16_is_nan(a) || bf16_is_nan(b) || (a_inf && b_zero) || (a_zero && b_inf)) return FP32_NAN;
    if (a_inf || b_inf) return {sign, FP32_INF[30:0]};
    if (a_zero || b_zero) return {sign, 31'd0};
    prod = {8'd0, 1'b1, a[6:0]} * {8'd0, 1'b1, b[6:0]};
    exp  = signed'({2'b00, a[14:7]}) + signed'({2'b00, b[14:7]}) - 10'sd127 + signed'({9'd0, prod[15]});
    if (exp < 10'sd1) return {sign, 31'd0};
    if (exp >= 10'sd255) return {sign, FP32_INF[30:0]};
    return {sign, exp[7:0], prod[15] ? prod[14:0] : {prod[13:0], 1'b0}, 8'd0};
  endfunction

  // Integer block sum, |total| <= 2**24, times 2**(ea + eb - 266).
  function automatic logic [31:0] block_to_fp32(input logic signed [25:0] total, input logic [7:0] ea,
                                                input logic [7:0] eb);
    logic        [24:0] mag;
    logic signed [10:0] exp;
    if (ea == 8'hFF || eb == 8'hFF) return FP32_NAN;
    if (total == 26'sd0) return 32'd0;
    mag = total[25] ? 25'(-total) : 25'(total);
    exp = signed'({3'b000, ea}) + signed'({3'b000, eb}) - 11'sd115;  // leading one at bit 24
    if (mag[24:9] == 16'd0) begin
      mag = mag << 16;
      exp = exp - 11'sd16;
    end
    if (mag[24:17] == 8'd0) begin
      mag = mag << 8;
      exp = exp - 11'sd8;
    end
    if (mag[24:21] == 4'd0) begin
      mag = mag << 4;
      exp = exp - 11'sd4;
    end
    if (mag[24:23] == 2'd0) begin
      mag = mag << 2;
      exp = exp - 11'sd2;
    end
    if (!mag[24]) begin
      mag = mag << 1;
      exp = exp - 11'sd1;
    end
    if (exp < 11'sd1) return {total[25], 31'd0};
    if (exp >= 11'sd255) return {total[25], FP32_INF[30:0]};
    return {total[25], exp[7:0], mag[23:1]};
  endfunction

  // HBFP8 mantissa of x under block exponent e: RNE(x / 2**(e - 133)), clamped to +-127; 0 for e = 0 and e = 255.
  function automatic logic [7:0] hbfp_quant(input logic [15:0] x, input logic [7:0] e);
    logic [ 7:0] down;
    logic [16:0] wide;
    logic [ 7:0] mag;
    if (x[14:7] == 8'd0 || e == 8'd0 || e == 8'hFF) return 8'd0;
    down = e - x[14:7];
    if (x[14:7] > e) mag = 8'd127;
    else if (down > 8'd7) mag = 8'd0;
    else begin
      wide = {1'b1, x[6:0], 9'd0} >> down[2:0];  // mantissa in bits [16:10], then the bits that round
      mag  = {1'b0, wide[16:10]} + 8'(wide[9] && ((wide[8:0] != 9'd0) || wide[10]));
      if (mag[7]) mag = 8'd127;
    end
    return x[15] ? -mag : mag;
  endfunction

endpackage
// verilator lint_on UNUSEDSIGNAL
