// Sequencer of one context: takes its instructions in order and offers their segments, one a cycle.
// An instruction goes straight to work when the thread is free, else it waits in one place ahead of it; so the thread
// offers the next instruction's first segment in the cycle after it gave the last segment of the one before.
// Latency: first offer in the cycle after the transfer.
// Handshake: instr_ready_o does not depend on instr_valid; seg_o stays until take_i, kill or drop_i.
module eqx_vpu_thread #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    parameter int unsigned ID = 0,
    parameter bit TRAINING = 1'b0
) (
    input logic clk_i,
    input logic rst_ni,
    // verilator lint_off UNUSEDSIGNAL
    input eqx_pkg::unit_req_t unit_req_i,  // iter is the DMA's
    // verilator lint_on UNUSEDSIGNAL
    output logic instr_ready_o,
    input logic drop_i,  // the address stage found a fault: stop until killed
    output logic seg_valid_o,
    output eqx_vpu_pkg::seg_t seg_o,
    input logic take_i,
    output logic held_o,  // holds an instruction
    output logic fault_o,  // pulse: an instruction was refused,
    output eqx_isa_pkg::err_e cause_o  // for this
);
  logic next_valid_q, work_valid_q, stopped_q;
  logic [eqx_isa_pkg::INSTR_BITS-1:0] next_q;
  eqx_vpu_pkg::work_t work_q, decoded;
  eqx_isa_pkg::err_e err;
  logic bad_first, bad_next, bad_q;  // an address of the segment's first line is beyond its memory

  logic accept, free, given, load, wait_next;
  assign instr_ready_o = !next_valid_q && !stopped_q && !unit_req_i.kill;
  assign accept        = unit_req_i.instr_valid && instr_ready_o;
  assign given         = take_i && seg_o.last;
  assign free          = !work_valid_q || given;
  assign load          = free && (next_valid_q || accept);
  assign wait_next     = accept && !free;

  eqx_vpu_decode #(
      .K       (CFG.K),
      .TRAINING(TRAINING)
  ) u_decode (
      .instr_i(next_valid_q ? next_q : unit_req_i.instr),
      .env_i  (unit_req_i.env),
      .work_o (decoded),
      .err_o  (err)
  );

  // Addresses are checked before they are in the register, as the address stage has no time for it; those of the next
  // instruction and of the next segment side by side, as it is late in the cycle that one of them is chosen.
  eqx_vpu_pkg::addr_t [eqx_vpu_pkg::OPERANDS-1:0] next;
  always_comb begin
    for (int unsigned x = 0; x < eqx_vpu_pkg::OPERANDS; x++)
    next[x] = eqx_vpu_pkg::advance(work_q.addr[x], work_q.so[x]);
  end
  eqx_vpu_range #(
      .CFG(CFG)
  ) u_first (
      .op_i    (decoded.op),
      .addr_i  (decoded.addr),
      .stride_i(decoded.si[eqx_vpu_pkg::V]),
      .bad_o   (bad_first)
  );
  eqx_vpu_range #(
      .CFG(CFG)
  ) u_next (
      .op_i    (work_q.op),
      .addr_i  (next),
      .stride_i(work_q.si[eqx_vpu_pkg::V]),
      .bad_o   (bad_next)
  );

  logic stop;
  assign stop = unit_req_i.kill || drop_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      next_valid_q <= 1'b0;
      work_valid_q <= 1'b0;
      stopped_q    <= 1'b0;
      fault_o      <= 1'b0;
    end else begin
      next_valid_q <= !stop && (wait_next || (next_valid_q && !load));
      work_valid_q <= !stop && (load ? (err == eqx_isa_pkg::ERR_NONE) : (work_valid_q && !given));
      fault_o      <= !stop && load && err != eqx_isa_pkg::ERR_NONE;
      if (unit_req_i.kill) stopped_q <= 1'b0;
      else if (drop_i || (load && err != eqx_isa_pkg::ERR_NONE)) stopped_q <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (wait_next) next_q <= unit_req_i.instr;
    if (load) begin
      work_q  <= decoded;
      bad_q   <= bad_first;
      cause_o <= err;
    end else if (take_i) begin
      work_q.addr  <= next;
      bad_q        <= bad_next;
      work_q.cnt_o <= work_q.cnt_o - 12'd1;
      work_q.row   <= work_q.row + 8'd1;
    end
  end

  assign held_o = next_valid_q || work_valid_q;
  assign seg_valid_o = work_valid_q && !unit_req_i.kill;
  assign seg_o = '{
          op: work_q.op,
          addr: work_q.addr,
          si: work_q.si,
          left: work_q.cnt_i,
          idx: 8'd0,
          row: work_q.row,
          row_is_i: work_q.row_is_i,
          last: work_q.cnt_o == 12'd1,
          bad: bad_q,
          finish: work_q.finish,
          ctx: eqx_vpu_pkg::CTX_BITS'(ID)
      };
endmodule
