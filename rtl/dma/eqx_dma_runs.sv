// Takes the DMA instructions of one context, checks them, and gives out their runs in order.
// Latency: an instruction taken in cycle t offers its first run in t+2, then one run a cycle; instructions are taken
// every second cycle at most. Two are held: one being walked, one prepared.
// Faults are raised in order, when the faulty run would be handed over: earlier runs have left by then.
module eqx_dma_runs #(
    parameter logic        [3:0]       OPCODE = eqx_isa_pkg::OP_LOAD,
    parameter int unsigned             BUS    = 32,                    // bytes a beat
    parameter logic        [3:0][16:0] DEPTH  = '{default: 17'd0},     // units of each space, 0: no such space
    parameter logic        [3:0]       LINES  = 4'b0100,               // spaces of lines, the others hold blocks
    parameter logic        [3:0]       RELOC  = 4'b0010                // spaces relocated by w_base
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    // verilator lint_off UNUSEDSIGNAL
    input  eqx_pkg::unit_req_t       unit_req_i,     // kill is part of stop_i; relocations of other units
    // verilator lint_on UNUSEDSIGNAL
    output logic                     instr_ready_o,
    input  logic                     stop_i,         // drop what is held, take nothing
    output logic                     held_o,
    output logic                     err_valid_o,
    output logic               [3:0] err_cause_o,
    output logic                     run_valid_o,
    input  logic                     run_ready_i,
    output eqx_dma_pkg::run_t        run_o
);
  localparam int unsigned BW = $clog2(BUS);

  // Prepare: one cycle for d_iter * iter.
  logic                      p_valid_q;
  logic               [15:0] p_iter_q;
  eqx_isa_pkg::load_t        p_q;  // store_t has the same fields

  // Walk: the run to be handed over.
  logic r_valid_q, r_illegal_q, r_step_q;
  logic [1:0] r_sp_q;
  logic [11:0] r_left_q, r_len_q;
  logic [16:0] r_laddr_q;
  logic [15:0] r_lso_q, r_signal_q;
  logic [31:0] r_daddr_q, r_dso_q;

  logic accept, p_move, r_free, hand_over, bad;
  assign instr_ready_o = !p_valid_q && !stop_i;
  assign accept = unit_req_i.instr_valid && instr_ready_o;
  assign r_free = !r_valid_q || (hand_over && r_left_q == 12'd1);
  assign p_move = p_valid_q && r_free;

  assign bad = r_illegal_q || r_left_q == '0 || r_len_q == '0 || r_daddr_q[BW-1:0] != '0 ||
      {1'b0, r_laddr_q} + {6'd0, r_len_q} > {1'b0, DEPTH[r_sp_q]};
  assign run_valid_o = r_valid_q && !bad && !stop_i;
  assign hand_over = run_valid_o && run_ready_i;
  assign err_valid_o = r_valid_q && bad && run_ready_i && !stop_i;
  assign err_cause_o = r_illegal_q ? eqx_isa_pkg::ERR_ILLEGAL_OP : eqx_isa_pkg::ERR_OPERAND;
  assign held_o = p_valid_q || r_valid_q;

  assign run_o = '{
          daddr: r_daddr_q,
          laddr: r_laddr_q[15:0],
          len: r_len_q,
          sp: r_sp_q,
          lines: LINES[r_sp_q],
          tail: '{last: r_left_q == 12'd1, step: r_step_q, signal: r_signal_q}
      };

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      p_valid_q <= 1'b0;
      r_valid_q <= 1'b0;
    end else if (stop_i || err_valid_o) begin
      p_valid_q <= 1'b0;
      r_valid_q <= 1'b0;
    end else begin
      p_valid_q <= accept || (p_valid_q && !p_move);
      r_valid_q <= p_move || (r_valid_q && !r_free);
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      p_q      <= eqx_isa_pkg::load_t'(unit_req_i.instr);
      p_iter_q <= unit_req_i.iter;
    end
    if (p_move) begin
      r_illegal_q <= p_q.op != OPCODE;
      r_step_q    <= p_q.step;
      r_signal_q  <= p_q.signal_mask;
      r_sp_q      <= p_q.sp;
      r_left_q    <= p_q.n_o;
      r_len_q     <= p_q.len;
      r_laddr_q   <= {1'b0, p_q.l_base} + (RELOC[p_q.sp] ? {1'b0, unit_req_i.env.w_base} : 17'd0);
      r_lso_q     <= p_q.l_so;
      r_daddr_q   <= unit_req_i.env.dram_base + p_q.d_base + p_q.d_iter * {16'd0, p_iter_q};
      r_dso_q     <= p_q.d_so;
    end else if (hand_over) begin
      r_left_q  <= r_left_q - 12'd1;
      r_laddr_q <= r_laddr_q + {1'b0, r_lso_q};  // in range so far, so 17 bits hold the sum
      r_daddr_q <= r_daddr_q + r_dso_q;
    end
  end

  // Fields that DMA does not use: header bits of the front end, padding.
  logic unused;
  assign unused = ^{p_q.pad, p_q.wait_mask, p_q.rsvd, p_q.last};
endmodule
