// eqx_reg_fifo: entries come out in order, none is lost, none comes twice; its level is the number of entries.
// One entry is marked when it is written, at any time; the environment pushes only while there is room.
module fv_reg_fifo #(
    parameter int unsigned WIDTH = 2,
    parameter int unsigned DEPTH = 4,
    localparam int unsigned AW = $clog2(DEPTH)
) (
    input logic clk_i,
    input logic push_i,
    input logic [WIDTH-1:0] wdata_i,
    input logic ready_i,
    input logic mark_i
);
  logic rst_ni = 1'b0;  // one cycle of reset
  always_ff @(posedge clk_i) rst_ni <= 1'b1;

  logic [AW:0] count;
  logic valid, push, pop;
  logic [WIDTH-1:0] rdata;
  assign push = rst_ni && push_i && count < (AW + 1)'(DEPTH);
  assign pop  = valid && ready_i;
  eqx_reg_fifo #(
      .WIDTH(WIDTH),
      .DEPTH(DEPTH)
  ) dut (
      .clk_i,
      .rst_ni,
      .push_i (push),
      .wdata_i,
      .count_o(count),
      .valid_o(valid),
      .ready_i,
      .rdata_o(rdata)
  );

  logic [AW:0] level_q, ahead_q;  // entries; of them, ahead of the marked one
  logic marked_q;
  logic [WIDTH-1:0] data_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      level_q  <= '0;
      marked_q <= 1'b0;
    end else begin
      level_q <= level_q + (AW + 1)'(push) - (AW + 1)'(pop);
      if (push && mark_i && !marked_q) begin
        marked_q <= 1'b1;
        data_q   <= wdata_i;
        ahead_q  <= level_q - (AW + 1)'(pop);
      end else if (marked_q && pop) begin
        marked_q <= ahead_q != '0;
        ahead_q  <= ahead_q - 1'b1;
      end
    end
  end
  always_comb
    if (rst_ni) begin
      a_count : assert (count == level_q && level_q <= (AW + 1)'(DEPTH));
      a_valid : assert (valid == (level_q != '0));
      a_order : assert (!(marked_q && ahead_q == '0) || (valid && rdata == data_q));
    end
endmodule
