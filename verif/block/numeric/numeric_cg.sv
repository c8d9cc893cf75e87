// Covergroup of corner cases of the arithmetic: classes of operands, and operands that must overflow, be flushed,
// saturate or round to even. One stands in every lane of the bench and looks at the operands that its cell takes; a
// label is <point>__<bin>.
module numeric_cg
  import numeric_tb_pkg::*;
(
    input logic         clk_i,
    input cell_e        sel_i,
    input logic         valid_i,
    input logic  [63:0] x_i
);
  typedef enum logic [2:0] {
    ZERO,
    SUBNORMAL,
    SMALLEST,
    NORMAL,
    LARGEST,
    INF,
    NAN
  } class_e;

  // Classes of bf16 and fp32 patterns; LARGEST and SMALLEST are the exponents of the largest and smallest normal
  // numbers.
  function automatic class_e class_of(input logic [31:0] x);
    case (x[30:23])
      8'd0:    return (x[22:0] == '0) ? ZERO : SUBNORMAL;
      8'd1:    return SMALLEST;
      8'd254:  return LARGEST;
      8'd255:  return (x[22:0] == '0) ? INF : NAN;
      default: return NORMAL;
    endcase
  endfunction

  logic add, mul, act, rnd, i2f, quant, fmax, same;
  logic [31:0] a, b;  // operands, bf16 ones widened
  class_e ca, cb;
  logic [7:0] ea, eb, e;  // exponents; the block's (QUANT)
  logic [7:0] down;
  logic signed [31:0] total;
  assign add   = valid_i && (sel_i == ADD1 || sel_i == ADD2);
  assign mul   = valid_i && (sel_i == MUL || sel_i == BMUL);
  assign act   = valid_i && sel_i == ACT;
  assign rnd   = valid_i && sel_i == ROUND;
  assign i2f   = valid_i && (sel_i == I2F26 || sel_i == I2F19);
  assign quant = valid_i && sel_i == QUANT;
  assign fmax  = valid_i && sel_i == FMAX;
  always_comb begin
    case (sel_i)
      MUL, BMUL: {a, b} = {x_i[31:16], 16'd0, x_i[15:0], 16'd0};
      ACT:       {a, b} = {x_i[15:0], 48'd0};
      ROUND:     {a, b} = {x_i[31:0], 32'd0};
      QUANT:     {a, b} = {x_i[23:8], 48'd0};
      default:   {a, b} = x_i;
    endcase
  end
  assign {ca, cb} = {class_of(a), class_of(b)};
  assign {ea, eb} = {a[30:23], b[30:23]};
  assign same     = a[31] == b[31];
  assign e        = x_i[7:0];
  assign down     = e - ea;
  assign total    = signed'(x_i[47:16]);

  default clocking @(posedge clk_i);
  endclocking

  cp_add_class__zero :
  cover property (add && ca == ZERO);
  cp_add_class__subnormal :
  cover property (add && ca == SUBNORMAL);
  cp_add_class__smallest :
  cover property (add && ca == SMALLEST);
  cp_add_class__normal :
  cover property (add && ca == NORMAL);
  cp_add_class__largest :
  cover property (add && ca == LARGEST);
  cp_add_class__inf :
  cover property (add && ca == INF);
  cp_add_class__nan :
  cover property (add && ca == NAN);
  cp_add_case__cancels :
  cover property (add && ca == NORMAL && !same && a[30:0] == b[30:0]);
  cp_add_case__cancels_nearly :
  cover property (add && ca == NORMAL && !same && a[30:1] == b[30:1] && a[0] != b[0]);
  cp_add_case__overflows :
  cover property (add && same && ca == LARGEST && cb == LARGEST);
  cp_add_case__flushed :
  cover property (add && !same && ca == SMALLEST && cb == SMALLEST && a[22:0] != b[22:0]);
  cp_add_case__tie_to_even_stays :
  cover property (add && same && ca == NORMAL && cb == NORMAL && ea == eb + 8'd24 && b[22:0] == '0 && !a[0]);
  cp_add_case__tie_to_even_rises :
  cover property (add && same && ca == NORMAL && cb == NORMAL && ea == eb + 8'd24 && b[22:0] == '0 && a[0]);
  cp_add_case__too_small_to_matter :
  cover property (add && ca == NORMAL && cb == NORMAL && 32'(ea) > 32'(eb) + 32'd27);
  cp_add_case__inf_minus_inf :
  cover property (add && !same && ca == INF && cb == INF);
  cp_add_case__minus_zeros :
  cover property (add && ca == ZERO && cb == ZERO && a[31] && b[31]);

  cp_mul_class__zero :
  cover property (mul && ca == ZERO);
  cp_mul_class__subnormal :
  cover property (mul && ca == SUBNORMAL);
  cp_mul_class__smallest :
  cover property (mul && ca == SMALLEST);
  cp_mul_class__normal :
  cover property (mul && ca == NORMAL);
  cp_mul_class__largest :
  cover property (mul && ca == LARGEST);
  cp_mul_class__inf :
  cover property (mul && ca == INF);
  cp_mul_class__nan :
  cover property (mul && ca == NAN);
  cp_mul_case__overflows :
  cover property (mul && ca inside {NORMAL, LARGEST} && cb inside {NORMAL, LARGEST} && 32'(ea) + 32'(eb) >= 32'd382);
  cp_mul_case__flushed :
  cover property (mul && ca inside {NORMAL, SMALLEST} && cb inside {NORMAL, SMALLEST} && 32'(ea) + 32'(eb) < 32'd127);
  cp_mul_case__zero_times_inf :
  cover property (mul && ca == ZERO && cb == INF);
  cp_mul_case__minus_times_minus :
  cover property (mul && ca == NORMAL && cb == NORMAL && a[31] && b[31]);

  cp_max__equal :
  cover property (fmax && ca == NORMAL && a == b);
  cp_max__zeros_of_both_signs :
  cover property (fmax && ca == ZERO && cb == ZERO && !same);
  cp_max__both_negative :
  cover property (fmax && ca == NORMAL && cb == NORMAL && a[31] && b[31]);
  cp_max__one_nan :
  cover property (fmax && ca == NAN && cb == NORMAL);
  cp_max__minus_inf :
  cover property (fmax && ca == INF && a[31] && cb == NORMAL);

  cp_round__exact :
  cover property (rnd && ca == NORMAL && a[15:0] == 16'd0);
  cp_round__below_tie :
  cover property (rnd && ca == NORMAL && a[15:0] == 16'h7FFF);
  cp_round__tie_stays :
  cover property (rnd && ca == NORMAL && a[16:0] == 17'h08000);
  cp_round__tie_rises :
  cover property (rnd && ca == NORMAL && a[16:0] == 17'h18000);
  cp_round__above_tie :
  cover property (rnd && ca == NORMAL && a[15:0] == 16'h8001);
  cp_round__carries_into_exponent :
  cover property (rnd && ca == NORMAL && a[22:15] == 8'hFF);
  cp_round__rounds_to_inf :
  cover property (rnd && ca == LARGEST && a[22:15] == 8'hFF);
  cp_round__flushed :
  cover property (rnd && ca == SUBNORMAL);
  cp_round__inf :
  cover property (rnd && ca == INF);
  cp_round__nan :
  cover property (rnd && ca == NAN);

  cp_block_sum__zero :
  cover property (i2f && total == 0 && ea != 8'hFF);
  cp_block_sum__negative :
  cover property (i2f && total < 0);
  cp_block_sum__power_of_two :
  cover property (i2f && total > 1 && (total & (total - 1)) == 0);
  cp_block_sum__flushed :
  cover property (i2f && total != 0 && 32'(x_i[15:8]) + 32'(x_i[7:0]) < 32'd115);
  cp_block_sum__overflows :
  cover property (i2f && total != 0 && x_i[15:8] < 8'd255 && x_i[7:0] < 8'd255 &&
                  32'(x_i[15:8]) + 32'(x_i[7:0]) > 32'd394);
  cp_block_sum__block_with_nan :
  cover property (i2f && (x_i[15:8] == 8'hFF || x_i[7:0] == 8'hFF));

  cp_quantise__block_of_zeros :
  cover property (quant && e == 8'd0);
  cp_quantise__block_not_finite :
  cover property (quant && e == 8'hFF);
  cp_quantise__subnormal :
  cover property (quant && ca == SUBNORMAL && e != 8'd0);
  cp_quantise__above_block_exponent :
  cover property (quant && e inside {[8'd1 : 8'd254]} && ea > e);
  cp_quantise__saturates_by_rounding :
  cover property (quant && e inside {[8'd1 : 8'd254]} && ea == e && a[22:16] == 7'h7F);
  cp_quantise__tie_stays :
  cover property (quant && ca == NORMAL && e < 8'd255 && down == 8'd1 && a[17:16] == 2'b10 && !a[18]);
  cp_quantise__tie_rises :
  cover property (quant && ca == NORMAL && e < 8'd255 && down == 8'd1 && a[17:16] == 2'b10 && a[18]);
  cp_quantise__lost :
  cover property (quant && ca == NORMAL && e < 8'd255 && e > ea && down > 8'd8);
  cp_quantise__negative :
  cover property (quant && ca == NORMAL && a[31] && ea == e);

  cp_activation_class__zero :
  cover property (act && ca == ZERO);
  cp_activation_class__subnormal :
  cover property (act && ca == SUBNORMAL);
  cp_activation_class__smallest :
  cover property (act && ca == SMALLEST);
  cp_activation_class__normal :
  cover property (act && ca == NORMAL);
  cp_activation_class__largest :
  cover property (act && ca == LARGEST);
  cp_activation_class__inf :
  cover property (act && ca == INF);
  cp_activation_class__nan :
  cover property (act && ca == NAN);
endmodule
