// Checks a VECTOR instruction (docs/isa.md: everything that does not depend on generated addresses) and prepares it:
// counts after dyn, relocated first addresses, strides that count.
// Latency: combinational.
module eqx_vpu_decode #(
    parameter int unsigned K        = 32,
    parameter bit          TRAINING = 1'b0
) (
    input  logic               [eqx_isa_pkg::INSTR_BITS-1:0] instr_i,
    input  eqx_pkg::ctx_env_t                                env_i,
    output eqx_vpu_pkg::work_t                               work_o,
    output eqx_isa_pkg::err_e                                err_o
);
  // Here and below: padding, the wait mask and the other units' relocations stay unread.
  // verilator lint_off UNUSEDSIGNAL
  eqx_isa_pkg::vector_t v;
  eqx_pkg::ctx_env_t env;
  // verilator lint_on UNUSEDSIGNAL
  assign v   = eqx_isa_pkg::vector_t'(instr_i);
  assign env = env_i;

  logic [11:0] cnt_o, cnt_i;
  assign cnt_o = v.dyn_o ? {4'd0, env.rows} : v.cnt_o;
  assign cnt_i = v.dyn_i ? {4'd0, env.rows} : v.cnt_i;

  function automatic logic [1:0] readers(input logic [2:0] space, input logic [2:0] a, input logic [2:0] c,
                                         input logic [2:0] d);
    return 2'(a == space) + 2'(c == space) + 2'(d == space);
  endfunction

  function automatic logic legal_cd(input logic [2:0] space);
    return space == eqx_isa_pkg::SRC_NONE || space == eqx_isa_pkg::SRC_ACC || space == eqx_isa_pkg::SRC_STG
        || eqx_vpu_pkg::is_vec(space);
  endfunction

  logic rxb, spaces_ok, codes_ok, counts_ok, ports_ok, class_ok;
  assign rxb = v.a_sp == eqx_isa_pkg::SRC_RXB;
  assign spaces_ok = (legal_cd(
      v.a_sp
  ) || rxb) && legal_cd(
      v.c_sp
  ) && legal_cd(
      v.d_sp
  ) && (v.b_sp == eqx_isa_pkg::SRC_NONE || v.b_sp == eqx_isa_pkg::SRC_IMM || eqx_vpu_pkg::is_vec(
      v.b_sp
  ));
  assign codes_ok = eqx_isa_pkg::is_act(
      v.act
  ) && eqx_isa_pkg::is_red(
      v.red
  ) && eqx_isa_pkg::is_conv(
      v.v_mode
  ) && (v.v_mode == eqx_isa_pkg::CONV_NONE || eqx_isa_pkg::is_cvd(
      v.v_sp
  ));
  assign counts_ok = cnt_o != '0 && cnt_i != '0 && cnt_i <= 12'(K);
  assign ports_ok = readers(
      eqx_isa_pkg::SRC_ACC, v.a_sp, v.c_sp, v.d_sp
  ) <= 2'd1 && readers(
      eqx_isa_pkg::SRC_STG, v.a_sp, v.c_sp, v.d_sp
  ) <= 2'd1 && !(eqx_vpu_pkg::is_vec(
      v.c_sp
  ) && eqx_vpu_pkg::is_vec(
      v.d_sp
  )) && (!rxb || (v.dyn_o != v.dyn_i));
  assign class_ok = !TRAINING || !(v.dyn_o || v.dyn_i || rxb || v.r_sp == eqx_isa_pkg::DST_TXB);

  always_comb begin
    if (v.op != eqx_isa_pkg::OP_VECTOR) err_o = eqx_isa_pkg::ERR_ILLEGAL_OP;
    else if (!(spaces_ok && codes_ok && counts_ok && ports_ok && class_ok)) err_o = eqx_isa_pkg::ERR_OPERAND;
    else err_o = eqx_isa_pkg::ERR_NONE;
  end

  // verilator lint_off UNUSEDSIGNAL
  function automatic logic [15:0] relocation(input logic [2:0] space, input eqx_pkg::ctx_env_t e);
    case (space)
      eqx_isa_pkg::SRC_VEC: return e.vec_base;
      eqx_isa_pkg::SRC_CST: return e.c_base;
      eqx_isa_pkg::SRC_ACC: return e.acc_base;
      default:              return 16'd0;
    endcase
  endfunction
  // verilator lint_on UNUSEDSIGNAL

  always_comb begin
    work_o.op = '{
        a_sp: v.a_sp,
        b_sp: v.b_sp,
        c_sp: v.c_sp,
        d_sp: v.d_sp,
        p_neg: v.p_neg,
        c_neg: v.c_neg,
        combine: v.combine,
        act: v.act,
        red: v.red,
        r_sp: v.r_sp,
        v_mode: v.v_mode,
        v_sp: v.v_sp
    };
    work_o.addr[eqx_vpu_pkg::A] = {1'b0, v.a_base} + {1'b0, relocation(v.a_sp, env)};
    work_o.addr[eqx_vpu_pkg::B] = {1'b0, v.b_base} + {1'b0, relocation(v.b_sp, env)};
    work_o.addr[eqx_vpu_pkg::C] = {1'b0, v.c_base} + {1'b0, relocation(v.c_sp, env)};
    work_o.addr[eqx_vpu_pkg::D] = {1'b0, v.d_base} + {1'b0, relocation(v.d_sp, env)};
    work_o.addr[eqx_vpu_pkg::R] = {1'b0, v.r_base} + ((v.r_sp == eqx_isa_pkg::DST_VEC) ? {1'b0, env.vec_base} : '0);
    work_o.addr[eqx_vpu_pkg::V] = {1'b0, v.v_base} + ((v.v_sp == eqx_isa_pkg::CVD_ACTC) ? {1'b0, env.actc_base} : '0);
    work_o.so = {v.v_so, v.r_so, v.d_so, v.c_so, v.b_so, v.a_so};
    work_o.si = {v.v_si, v.r_si, v.d_si, v.c_si, v.b_si, v.a_si};
    if (v.b_sp == eqx_isa_pkg::SRC_IMM) begin  // the base is the value
      work_o.so[eqx_vpu_pkg::B] = '0;
      work_o.si[eqx_vpu_pkg::B] = '0;
    end
    if (rxb) begin  // the loop that selects the slot has no stride
      if (v.dyn_o) work_o.so[eqx_vpu_pkg::A] = '0;
      else work_o.si[eqx_vpu_pkg::A] = '0;
    end
    work_o.cnt_o    = cnt_o;
    work_o.cnt_i    = cnt_i;
    work_o.row      = '0;
    work_o.row_is_i = v.dyn_i;
    work_o.finish   = '{v_mode: v.v_mode, step: v.step, signal_mask: v.signal_mask};
  end
endmodule
