// Stream port: each cycle at most one row, of the front tile of one class.
// MODE_PRIO: inference whenever it has a row to give. MODE_FAIR: the classes alternate at tile ends. MODE_INF_ONLY:
// inference only.
// A row that accumulates waits while one of the last HAZARD rows went to the same C line: its sum would not be written
// yet.
// Timing: combinational from the class FIFOs; a class with a waiting row leaves the cycle to the other one.
module eqx_mmu_stream #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    parameter int unsigned HAZARD = eqx_pkg::ACC_HAZARD
) (
    input  logic                      clk_i,
    input  logic                      rst_ni,
    input  eqx_pkg::mode_e            mode_i,
    input  logic               [ 1:0] front_valid_i,  // 0 inference, 1 training
    input  eqx_mmu_pkg::tile_t [ 1:0] front_i,
    input  logic               [ 1:0] front_bank_i,
    output logic               [ 1:0] take_o,
    output logic               [ 1:0] avail_o,        // has a row to give
    output logic               [ 1:0] fault_o,        // the front tile's next row is out of range
    output logic                      row_valid_o,
    output eqx_mmu_pkg::row_t         row_o,
    output logic               [15:0] row_addr_o,     // of the activation block
    output logic                      row_sp_o,
    output logic               [ 1:0] row_bank_o
);
  logic                    owner_q;  // MODE_FAIR: whose turn it is
  logic [HAZARD-1:0]       hz_valid_q;
  logic [HAZARD-1:0][15:0] hz_addr_q;
  logic cls, owner_idle;
  // verilator lint_off UNUSEDSIGNAL
  eqx_mmu_pkg::tile_t t;  // its strides and carries are of no use here
  // verilator lint_on UNUSEDSIGNAL

  always_comb begin
    for (int unsigned f = 0; f < 2; f++) begin
      automatic logic in_range, wait_acc;
      in_range = front_i[f].c_addr < 17'(CFG.ACC_DEPTH)
          && front_i[f].a_addr < ((front_i[f].a_sp == eqx_isa_pkg::ASP_ACTD) ?
                                  17'(CFG.ACTD_DEPTH) : 17'(CFG.ACTC_DEPTH));
      wait_acc = 1'b0;
      for (int unsigned h = 0; h < HAZARD; h++)
      wait_acc |= front_i[f].accum && hz_valid_q[h] && hz_addr_q[h] == front_i[f].c_addr[15:0];
      avail_o[f] = front_valid_i[f] && in_range && !wait_acc;
      fault_o[f] = front_valid_i[f] && !in_range;
    end
  end

  always_comb begin
    unique case (mode_i)
      eqx_pkg::MODE_INF_ONLY: cls = 1'b0;
      eqx_pkg::MODE_FAIR:     cls = avail_o[owner_q] ? owner_q : !owner_q;
      default:                cls = !avail_o[0];
    endcase
  end

  assign row_valid_o = avail_o[cls];
  assign take_o      = row_valid_o ? {cls, !cls} : '0;
  assign t           = front_i[cls];
  assign row_addr_o  = t.a_addr[15:0];
  assign row_sp_o    = t.a_sp;
  assign row_bank_o  = {cls, front_bank_i[cls]};

  always_comb begin
    row_o.ctx         = t.ctx;
    row_o.last        = t.last && t.rows == 16'd1;
    row_o.step        = t.step;
    row_o.signal_mask = t.signal_mask;
    row_o.accum       = t.accum;
    row_o.c_addr      = t.c_addr[15:0];
  end

  // The turn passes at the end of the owner's tile; a class takes it over when the owner has no tile.
  assign owner_idle = !front_valid_i[owner_q];
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      owner_q <= 1'b0;
      hz_valid_q <= '0;
    end else begin
      if (row_valid_o && (cls == owner_q || owner_idle)) owner_q <= (t.rows == 16'd1) ? !cls : cls;
      hz_valid_q <= HAZARD'({hz_valid_q, row_valid_o});
    end
  end
  always_ff @(posedge clk_i) hz_addr_q <= (16 * HAZARD)'({hz_addr_q, t.c_addr[15:0]});
endmodule
