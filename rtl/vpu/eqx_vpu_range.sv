// Checks the addresses of a line against the depths of its memories. A line belongs to its block, with COLS to all L
// blocks of its segment. Behind it is a register, so that the address stage knows at the begin of a line's cycle.
// Latency: combinational.
module eqx_vpu_range #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg()
) (
    // verilator lint_off UNUSEDSIGNAL
    input eqx_vpu_pkg::op_t op_i,  // the spaces and v_mode; what to compute does not matter
    // verilator lint_on UNUSEDSIGNAL
    input eqx_vpu_pkg::addr_t [eqx_vpu_pkg::OPERANDS-1:0] addr_i,
    input logic [11:0] stride_i,  // COLS: from lane to lane
    output logic bad_o
);
  function automatic logic over(input eqx_vpu_pkg::addr_t at, input logic [16:0] depth);
    return at >= depth;
  endfunction

  function automatic logic source_bad(input logic [2:0] space, input eqx_vpu_pkg::addr_t at);
    case (space)
      eqx_isa_pkg::SRC_VEC, eqx_isa_pkg::SRC_CST: return over(at, 17'(CFG.VEC_DEPTH));
      eqx_isa_pkg::SRC_ACC:                       return over(at, 17'(CFG.ACC_DEPTH));
      eqx_isa_pkg::SRC_STG:                       return over(at, 17'(CFG.STG_DEPTH));
      eqx_isa_pkg::SRC_RXB:                       return over(at, 17'(CFG.RX_LINES));
      default:                                    return 1'b0;
    endcase
  endfunction

  localparam int unsigned REACH_BITS = 12 + $clog2(CFG.L);  // (CFG.L-1) strides
  localparam int unsigned SUM_BITS = ((REACH_BITS > 17) ? REACH_BITS : 17) + 1;
  logic [SUM_BITS-1:0] v_end, v_depth;
  logic r_bad, v_bad;
  always_comb begin
    v_end = SUM_BITS'(addr_i[eqx_vpu_pkg::V]);
    if (op_i.v_mode == eqx_isa_pkg::CONV_COLS)
      v_end = v_end + ((SUM_BITS'(stride_i) << $clog2(CFG.L)) - SUM_BITS'(stride_i));
    case (op_i.v_sp)
      eqx_isa_pkg::CVD_ACTC: v_depth = SUM_BITS'(CFG.ACTC_DEPTH);
      eqx_isa_pkg::CVD_WGTC: v_depth = SUM_BITS'(CFG.WGTC_DEPTH);
      default:               v_depth = SUM_BITS'(CFG.SOB_DEPTH);
    endcase
    v_bad = op_i.v_mode != eqx_isa_pkg::CONV_NONE && v_end >= v_depth;
    case (op_i.r_sp)
      eqx_isa_pkg::DST_VEC: r_bad = over(addr_i[eqx_vpu_pkg::R], 17'(CFG.VEC_DEPTH));
      eqx_isa_pkg::DST_TXB: r_bad = over(addr_i[eqx_vpu_pkg::R], 17'(CFG.TXA_DEPTH));
      eqx_isa_pkg::DST_SOF: r_bad = over(addr_i[eqx_vpu_pkg::R], 17'(CFG.SOF_DEPTH));
      default:              r_bad = 1'b0;
    endcase
  end
  assign bad_o = v_bad || r_bad || source_bad(
      op_i.a_sp, addr_i[eqx_vpu_pkg::A]
  ) || source_bad(
      op_i.b_sp, addr_i[eqx_vpu_pkg::B]
  ) || source_bad(
      op_i.c_sp, addr_i[eqx_vpu_pkg::C]
  ) || source_bad(
      op_i.d_sp, addr_i[eqx_vpu_pkg::D]
  );
endmodule
