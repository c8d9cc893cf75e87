// Segment register of one class (inference, training) in the VPU's address stage, and the counters that make its lines.
// Between any two of its lines a segment may wait, while the other class has the turn.
// Every address is checked, a line ahead: a line with seg_o.bad is refused, which ends the segment.
// Latency: a segment taken in g has its first line in g+1 or later. All outputs are of registers but for free_o.
// Handshake: take_i only with free_o. turn_i: the cycle is the class's; its line starts, or is refused.
module eqx_vpu_segment #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg()
) (
    input  logic              clk_i,
    input  logic              rst_ni,
    input  logic              take_i,
    input  eqx_vpu_pkg::seg_t seg_i,
    input  logic              turn_i,      // only with valid_o
    output logic              valid_o,
    output eqx_vpu_pkg::seg_t seg_o,       // its next line
    output logic              first_o,     // that is the segment's first,
    output logic              last_o,      // its last,
    output logic              blk_last_o,  // the last of a ROWS block
    output logic              free_o       // nothing of it is left after this cycle
);
  localparam int unsigned GROUP = CFG.K / CFG.L;  // lines a block
  localparam int unsigned GW = (GROUP > 1) ? $clog2(GROUP) : 1;

  eqx_vpu_pkg::seg_t seg_q;
  logic valid_q, first_q;
  logic [GW-1:0] grp_q;  // line within its block

  assign valid_o    = valid_q;
  assign seg_o      = seg_q;
  assign first_o    = first_q;
  assign last_o     = seg_q.left == 12'd1;
  assign blk_last_o = last_o || grp_q == GW'(GROUP - 1);
  assign free_o     = !valid_q || (turn_i && (seg_q.bad || last_o));

  // The next line
  eqx_vpu_pkg::addr_t [eqx_vpu_pkg::OPERANDS-1:0] addr_d;
  logic bad;
  always_comb begin
    for (int unsigned x = 0; x < eqx_vpu_pkg::OPERANDS; x++) begin
      addr_d[x] = eqx_vpu_pkg::advance(seg_q.addr[x], seg_q.si[x]);
      if (x == 32'(eqx_vpu_pkg::V) && !(seg_q.op.v_mode == eqx_isa_pkg::CONV_ROWS && blk_last_o))
        addr_d[x] = seg_q.addr[x];
    end
  end
  eqx_vpu_range #(
      .CFG(CFG)
  ) u_range (
      .op_i    (seg_q.op),
      .addr_i  (addr_d),
      .stride_i(seg_q.si[eqx_vpu_pkg::V]),
      .bad_o   (bad)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= take_i || !free_o;
  end

  always_ff @(posedge clk_i) begin
    if (take_i) begin
      seg_q   <= seg_i;
      first_q <= 1'b1;
      grp_q   <= '0;
    end else if (turn_i) begin
      seg_q.addr <= addr_d;
      seg_q.bad  <= bad;
      seg_q.left <= seg_q.left - 12'd1;
      seg_q.idx  <= seg_q.idx + 8'd1;
      first_q    <= 1'b0;
      grp_q      <= blk_last_o ? '0 : grp_q + GW'(1);
    end
  end
endmodule
