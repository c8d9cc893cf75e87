// What an inference context knows of its batch: slots of the rows, and the service's settings as they were
// when the batch arrived. Latency: everything shows the cycle after its row arrived.
module eqx_batch_store #(
    parameter  int unsigned N        = 8,
    parameter  int unsigned RX_SLOTS = 64,
    localparam int unsigned SW       = $clog2(RX_SLOTS)
) (
    input logic clk_i,
    input logic rst_ni,
    input logic row_valid_i,
    /* verilator lint_off UNUSEDSIGNAL */  // ctx and last are decoded outside, ids are the responder's
    input eqx_pkg::batch_row_t row_i,
    input eqx_pkg::svc_cfg_t svc_i,  // settings of the row's service; not all of them are for here
    /* verilator lint_on UNUSEDSIGNAL */
    input logic [31:0] left_i,  // cycles until the row's request is late
    input logic free_i,
    output logic [RX_SLOTS-1:0] free_mask_o,  // the batch's slots while free_i
    output logic late_o,  // the batch's oldest request is older than its service's timeout
    output logic open_o,  // pulse: svc_o is known
    output logic [7:0] svc_o,
    output logic [7:0] rows_o,
    output logic [7:0] tx_lines_o,
    output logic [3:0] pc_valid_o,
    output logic [15:0] w_base_o,
    output logic [15:0] c_base_o,
    output logic [N-1:0][SW-1:0] slot_o
);
  localparam int unsigned RW = (N > 1) ? $clog2(N) : 1;

  logic open_q;
  logic [7:0] svc_q, rows_q, tx_lines_q;
  logic [3:0] pc_valid_q;
  logic [15:0] w_base_q, c_base_q;
  logic [       N-1:0][SW-1:0] slot_q;
  logic [RX_SLOTS-1:0]         mask_q;  // of slot_q: a decoder as rows arrive is smaller than one a row as they go
  logic [        31:0]         left_q;  // cycles until the oldest request is late
  logic                        first;

  assign first = row_valid_i && row_i.row == '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) open_q <= 1'b0;
    else open_q <= first;
  end
  always_ff @(posedge clk_i) begin
    if (first) begin
      svc_q      <= row_i.svc;
      rows_q     <= row_i.rows;
      tx_lines_q <= svc_i.tx_lines;
      pc_valid_q <= svc_i.pc_valid;
      w_base_q   <= svc_i.w_base;
      c_base_q   <= svc_i.c_base;
    end
    if (row_valid_i) begin
      slot_q[row_i.row[RW-1:0]] <= row_i.slot[SW-1:0];
      mask_q                    <= (first ? '0 : mask_q) | (RX_SLOTS'(1) << row_i.slot[SW-1:0]);
    end
  end

  always_ff @(posedge clk_i) begin
    if (first) left_q <= left_i;
    else if (left_q != '0) left_q <= left_q - 32'd1;
  end
  assign late_o      = left_q == '0;

  assign free_mask_o = free_i ? mask_q : '0;
  assign open_o      = open_q;
  assign svc_o       = svc_q;
  assign rows_o      = rows_q;
  assign slot_o      = slot_q;

  assign tx_lines_o  = tx_lines_q;
  assign pc_valid_o  = pc_valid_q;
  assign w_base_o    = w_base_q;
  assign c_base_o    = c_base_q;
endmodule
