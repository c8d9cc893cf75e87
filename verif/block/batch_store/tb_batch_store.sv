// Bench of what a context keeps of its batch. Python drives at falling edges, and can set the count of cycles that are
// left, so that long times pass at once.
module tb_batch_store #(
    parameter int unsigned N        = 128,
    parameter int unsigned RX_SLOTS = 1024
);
  localparam int unsigned SW = $clog2(RX_SLOTS);
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;

  logic row_valid = 1'b0, free = 1'b0;
  logic [$bits(eqx_pkg::batch_row_t)-1:0] row = '0;
  logic [$bits(eqx_pkg::svc_cfg_t)-1:0] svc = '0;
  logic [31:0] left = '0;

  logic [RX_SLOTS-1:0] free_mask;
  logic late, open;
  logic [7:0] svc_number, rows, tx_lines;
  logic [3:0] pc_valid;
  logic [15:0] w_base, c_base;
  logic [N-1:0][SW-1:0] slot;

  eqx_batch_store #(
      .N(N),
      .RX_SLOTS(RX_SLOTS)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .row_valid_i(row_valid),
      .row_i(eqx_pkg::batch_row_t'(row)),
      .svc_i(eqx_pkg::svc_cfg_t'(svc)),
      .left_i(left),
      .free_i(free),
      .free_mask_o(free_mask),
      .late_o(late),
      .open_o(open),
      .svc_o(svc_number),
      .rows_o(rows),
      .tx_lines_o(tx_lines),
      .pc_valid_o(pc_valid),
      .w_base_o(w_base),
      .c_base_o(c_base),
      .slot_o(slot)
  );

  // Back door: a change of preset sets the cycles that are left.
  logic preset = 1'b0;
  logic [31:0] preset_value = '0;
  always @(preset) dut.left_q = preset_value;
endmodule
