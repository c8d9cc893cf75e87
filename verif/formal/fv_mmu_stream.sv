// eqx_mmu_stream: what eqx_mmu_checks looks at in simulation, of the stream port: one row a cycle, only of who has one,
// inference first in MODE_PRIO, alone in MODE_INF_ONLY, and never without one while inference has one; and the order of
// turns in MODE_FAIR, rows in range, and no accumulating row within HAZARD rows of another to its C line.
// The environment puts any tiles at the fronts, changes them and the mode as it likes.
module fv_mmu_stream #(
    parameter int unsigned HAZARD = 3
) (
    input logic clk_i,
    input logic [1:0] mode_i,
    input logic [1:0] front_valid_i,
    input eqx_mmu_pkg::tile_t [1:0] front_i,
    input logic [1:0] front_bank_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg();
  eqx_pkg::mode_e mode;
  assign mode = eqx_pkg::mode_e'(mode_i);
  logic [1:0] take, avail, fault, bank;
  logic row_valid, sp;
  eqx_mmu_pkg::row_t row;
  logic [15:0] addr;
  eqx_mmu_stream #(
      .CFG(CFG),
      .HAZARD(HAZARD)
  ) dut (
      .clk_i,
      .rst_ni,
      .mode_i     (mode),
      .front_valid_i,
      .front_i,
      .front_bank_i,
      .take_o     (take),
      .avail_o    (avail),
      .fault_o    (fault),
      .row_valid_o(row_valid),
      .row_o      (row),
      .row_addr_o (addr),
      .row_sp_o   (sp),
      .row_bank_o (bank)
  );

  // The C lines of the last rows, and who took the last one while both could.
  logic [HAZARD-1:0] there_q;
  logic [HAZARD-1:0][15:0] line_q;
  logic contest, contest_q, cls_q, last_q, hit, known;
  eqx_mmu_pkg::tile_t tile;
  assign contest = mode == eqx_pkg::MODE_FAIR && (&avail);
  assign tile = front_i[take[1]];
  always_ff @(posedge clk_i) begin
    there_q   <= rst_ni ? HAZARD'({there_q, row_valid}) : '0;
    line_q    <= (16 * HAZARD)'({line_q, row.c_addr});
    contest_q <= rst_ni && contest;
    cls_q     <= take[1];
    last_q    <= tile.rows == 16'd1;
  end
  always_comb begin
    hit   = 1'b0;
    known = dut.hz_valid_q == there_q;
    for (int unsigned h = 0; h < HAZARD; h++) begin
      if (there_q[h] && line_q[h] == row.c_addr) hit = 1'b1;
      if (there_q[h] && line_q[h] != dut.hz_addr_q[h]) known = 1'b0;
    end
  end
  always_comb
    if (rst_ni) begin
      a_taken : assert (take != 2'b11 && (take & ~avail) == '0 && row_valid == (take != '0));
      a_front : assert ((avail & ~front_valid_i) == '0 && (fault & ~front_valid_i) == '0 && (avail & fault) == '0);
      a_prio : assert (!(mode == eqx_pkg::MODE_PRIO && take[1] && avail[0]));
      a_inf_only : assert (!(mode == eqx_pkg::MODE_INF_ONLY && take[1]));
      a_enters : assert (take != '0 || !(avail[0] || (avail[1] && mode != eqx_pkg::MODE_INF_ONLY)));
      a_fair : assert (!(contest && contest_q) || take[1] == (cls_q ^ last_q));
      a_range :
      assert (!row_valid || (32'(row.c_addr) < CFG.ACC_DEPTH && 17'(addr) == tile.a_addr &&
          32'(addr) < (sp == eqx_isa_pkg::ASP_ACTD ? CFG.ACTD_DEPTH : CFG.ACTC_DEPTH)));
      a_hazard : assert (!row_valid || !row.accum || !hit);
      a_known : assert (known);
      a_row :
      assert (!row_valid || (row.ctx == tile.ctx && row.accum == tile.accum && 17'(row.c_addr) == tile.c_addr &&
          row.last == (tile.last && tile.rows == 16'd1) && bank == {take[1], front_bank_i[take[1]]}));
    end
endmodule
