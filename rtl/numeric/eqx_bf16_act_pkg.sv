// The four stages of bf16_act as functions; docs/numerics.md defines what they compute.
package eqx_bf16_act_pkg;

  // How stage 3 treats base and product.
  typedef enum logic [2:0] {
    K_FIXED   = 3'd0,  // the result is known
    K_RECIP   = 3'd1,  // exponent known, fraction from the table
    K_FALL    = 3'd2,  // base - step
    K_FALL_P  = 3'd3,  // 1 - ((base - step) >> shift): sigmoid of a positive number
    K_RISE    = 3'd4,  // base + step
    K_PRODUCT = 3'd5,  // y * (1 - y)
    K_SQUARE  = 3'd6   // 1 - y * y
  } kind_e;

  typedef struct packed {
    kind_e             kind;
    logic              sign;
    logic signed [9:0] exp;    // biased exponent of a value whose leading one is in place
    logic [15:0]       fixed;  // K_FIXED: the result
    logic [7:0]        seg;    // segment of the piecewise-linear table
    logic [7:0]        m;      // multiplier operands: dx or the significand,
    logic [11:0]       n;      // and a number that depends on the kind
    logic [3:0]        shift;
  } s1_t;

  typedef struct packed {
    kind_e             kind;
    logic              sign;
    logic signed [9:0] exp;
    logic [15:0]       fixed;
    logic [13:0]       base;
    logic [19:0]       prod;
    logic [3:0]        shift;
  } s2_t;

  // What sigmoid and exp need of the range reduction: significand times log2(e).
  typedef struct packed {
    logic [15:0] x;
    logic [25:0] prod;
  } s0_t;

  function automatic s0_t stage0(input logic [15:0] x);
    return '{x: x, prod: {18'd0, 1'b1, x[6:0]} * {8'd0, eqx_act_rom_pkg::LOG2E}};
  endfunction

  // |x| * log2(e) in units of 2**-11, rounded half up. e: unbiased exponent, below 7.
  function automatic logic [18:0] times_log2e(input logic signed [9:0] e, input logic [25:0] prod);
    logic [ 4:0] right;
    logic [19:0] twice;
    right = 5'(10'sd12 - e);  // 6..24
    twice = (e < -10'sd12) ? 20'd0 : 20'(prod >> right);
    return 19'((twice + 20'd1) >> 1);
  endfunction

  // Decode, special cases, range reduction.
  function automatic s1_t stage1(input logic [3:0] fn, input s0_t s);
    s1_t                r;
    logic               pos;
    logic        [15:0] x;
    logic signed [ 9:0] e;
    logic        [18:0] t;
    logic signed [19:0] u;
    logic signed [ 9:0] row;
    logic        [13:0] twice;
    x       = (s.x[14:7] == 8'd0) ? {s.x[15], 15'd0} : s.x;
    pos     = !x[15] && (x[14:7] != 8'd0);
    e       = signed'({2'b00, x[14:7]}) - 10'sd127;
    r.kind  = K_FIXED;
    r.sign  = 1'b0;
    r.exp   = signed'({2'b00, x[14:7]});
    r.fixed = x;
    r.seg   = 8'd0;
    r.m     = {x[14:7] != 8'd0, x[6:0]};
    r.n     = 12'd0;
    r.shift = 4'd0;
    if (eqx_fp_pkg::bf16_is_nan(x)) begin
      r.fixed = eqx_fp_pkg::BF16_NAN;
      return r;
    end
    case (fn)
      eqx_isa_pkg::ACT_RELU:  r.fixed = pos ? x : 16'd0;
      eqx_isa_pkg::ACT_DRELU: r.fixed = pos ? eqx_fp_pkg::BF16_ONE : 16'd0;
      eqx_isa_pkg::ACT_SIGMOID, eqx_isa_pkg::ACT_EXP: begin
        if (e >= 10'sd7) begin
          if (x[15]) r.fixed = 16'd0;
          else r.fixed = (fn == eqx_isa_pkg::ACT_EXP) ? eqx_fp_pkg::BF16_INF : eqx_fp_pkg::BF16_ONE;
        end else begin
          t = times_log2e(e, s.prod);
          u = signed'({1'b0, t});
          if (fn == eqx_isa_pkg::ACT_EXP) begin  // exp(x) = 2**-u
            if (!x[15]) u = -u;
            r.kind = K_FALL;
            r.seg  = eqx_act_rom_pkg::EXP_SEG + {5'd0, u[10:8]};
          end else begin
            r.kind = x[15] ? K_FALL : K_FALL_P;
            r.seg  = (t[18:11] >= eqx_act_rom_pkg::SIG_ROWS) ? eqx_act_rom_pkg::EXP_SEG + {5'd0, t[10:8]} : t[15:8];
          end
          r.exp   = (r.kind == K_FALL_P) ? 10'sd127 : 10'sd127 - 10'(u >>> 11);
          r.m     = u[7:0];
          r.shift = (t[18:11] > 8'd15) ? 4'd15 : t[14:11];
        end
      end
      eqx_isa_pkg::ACT_TANH: begin
        row = e - eqx_act_rom_pkg::TANH_EXP_MIN;
        if (row >= signed'({2'b00, eqx_act_rom_pkg::TANH_ROWS})) r.fixed = {x[15], eqx_fp_pkg::BF16_ONE[14:0]};
        else if (row >= 10'sd0) begin
          r.kind = K_RISE;
          r.sign = x[15];
          r.seg  = eqx_act_rom_pkg::TANH_SEG + {2'b00, row[2:0], x[6:4]};
          r.m    = {x[3:0], 4'd0};
        end
      end
      eqx_isa_pkg::ACT_RECIP: begin
        r.exp  = 10'sd254 - r.exp - 10'(x[6:0] != 7'd0);
        r.sign = x[15];
        if (x[14:7] == 8'd0) r.fixed = {x[15], eqx_fp_pkg::BF16_INF[14:0]};
        else if (x[14:7] == 8'hFF || r.exp < 10'sd1) r.fixed = {x[15], 15'd0};
        else r.kind = K_RECIP;
      end
      eqx_isa_pkg::ACT_DSIGMOID: begin
        if (x > eqx_fp_pkg::BF16_ONE && x != 16'h8000) r.fixed = eqx_fp_pkg::BF16_NAN;
        else begin
          r.kind = K_PRODUCT;
          twice  = (e < -10'sd13) ? 14'd0 : {1'b0, 1'b1, x[6:0], 5'd0} >> 4'(-e);
          r.n    = 12'(14'd2048 - ((twice + 14'd1) >> 1));  // 1 - y in units of 2**-11
        end
      end
      eqx_isa_pkg::ACT_DTANH: begin
        if (x[14:0] > eqx_fp_pkg::BF16_ONE[14:0]) r.fixed = eqx_fp_pkg::BF16_NAN;
        else if (e < -10'sd5) r.fixed = eqx_fp_pkg::BF16_ONE;
        else begin
          r.kind  = K_SQUARE;
          r.exp   = 10'sd127;
          r.n     = {4'd0, r.m};
          r.shift = 4'(10'sd10 + (e <<< 1));
        end
      end
      default:                ;  // ACT_NONE and unused codes copy
    endcase
    return r;
  endfunction

  // Tables and the multiplier.
  function automatic s2_t stage2(input s1_t s);
    s2_t         r;
    logic [21:0] word;
    r.kind  = s.kind;
    r.sign  = s.sign;
    r.exp   = s.exp;
    r.fixed = (s.kind == K_RECIP) ? {s.sign, s.exp[7:0], eqx_act_rom_pkg::RECIP[s.m[6:0]]} : s.fixed;
    r.shift = s.shift;
    word    = eqx_act_rom_pkg::PWL[s.seg];
    r.base  = word[21:8];
    r.prod  = {12'd0, s.m} * {8'd0, (s.kind == K_PRODUCT || s.kind == K_SQUARE) ? s.n : {4'd0, word[7:0]}};
    return r;
  endfunction

  // Join, normalise, round half up.
  function automatic logic [15:0] stage3(input s2_t s);
    logic        [13:0] line;
    logic        [24:0] value;  // leading one in bits 24..16
    logic signed [ 9:0] exp;
    logic        [16:0] rounded;  // exponent and fraction
    if (s.kind == K_FIXED || s.kind == K_RECIP) return s.fixed;
    line = (s.kind == K_RISE) ? s.base + 14'(s.prod >> 5) : s.base - 14'(s.prod >> 5);
    if (s.kind == K_FALL_P) line = 14'd8192 - (line >> s.shift);
    case (s.kind)
      K_PRODUCT: value = {s.prod[18:0], 6'd0};
      K_SQUARE:  value = 25'h100_0000 - 25'({5'd0, s.prod} << s.shift);
      default:   value = {line, 11'd0};
    endcase
    if (value == 25'd0) return 16'd0;
    exp = s.exp;
    if (value[24:17] == 8'd0) begin
      value = value << 8;
      exp   = exp - 10'sd8;
    end
    if (value[24:21] == 4'd0) begin
      value = value << 4;
      exp   = exp - 10'sd4;
    end
    if (value[24:23] == 2'd0) begin
      value = value << 2;
      exp   = exp - 10'sd2;
    end
    if (!value[24]) begin
      value = value << 1;
      exp   = exp - 10'sd1;
    end
    if (exp < 10'sd1) return {s.sign, 15'd0};
    rounded = {exp, value[23:17]} + 17'(value[16]);
    if (rounded[16:7] >= 10'd255) return {s.sign, eqx_fp_pkg::BF16_INF[14:0]};
    return {s.sign, rounded[14:0]};
  endfunction

endpackage
