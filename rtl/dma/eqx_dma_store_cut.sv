// Cuts the runs of one context into segments: a panel (up to BUS blocks of K/BUS beats, behind their exponents), or up
// to K beats of lines.
// Latency: a run taken in cycle t offers its first segment in t+1, then one a cycle, without a gap between runs.
module eqx_dma_store_cut #(
    parameter int unsigned K   = 32,
    parameter int unsigned L   = 16,
    parameter int unsigned BUS = 32   // bytes a beat
) (
    input  logic              clk_i,
    input  logic              rst_ni,
    input  logic              stop_i,
    output logic              held_o,
    input  logic              run_valid_i,
    output logic              run_ready_o,
    input  eqx_dma_pkg::run_t run_i,
    output logic              req_o,
    input  logic              take_i,
    output eqx_dma_pkg::seg_t seg_o
);
  localparam int unsigned KB = K / BUS;  // beats a block
  localparam int unsigned LB = 4 * L / BUS;  // beats a line
  localparam int unsigned AW = $clog2(BUS);
  localparam int unsigned SEG_W = eqx_dma_pkg::SEG_W;

  logic                     valid_q;
  logic              [31:0] addr_q;
  logic              [15:0] laddr_q;
  logic              [11:0] left_q;
  eqx_dma_pkg::run_t        run_q;

  logic [SEG_W-1:0] cap, count, beats;
  logic ends, load;
  assign cap         = run_q.lines ? SEG_W'(K / LB) : SEG_W'(BUS);
  assign ends        = left_q <= 12'(cap);
  assign count       = ends ? SEG_W'(left_q) : cap;
  assign beats       = run_q.lines ? count * SEG_W'(LB) : count * SEG_W'(KB) + 1'b1;

  assign held_o      = valid_q;
  assign req_o       = valid_q && !stop_i;
  assign run_ready_o = !valid_q || (take_i && ends);
  assign load        = run_valid_i && run_ready_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= !stop_i && (load || (valid_q && !(take_i && ends)));
  end

  always_ff @(posedge clk_i) begin
    if (load) begin
      run_q   <= run_i;
      addr_q  <= run_i.daddr;
      laddr_q <= run_i.laddr;
      left_q  <= run_i.len;
    end else if (take_i) begin
      addr_q  <= addr_q + (32'(beats) << AW);
      laddr_q <= laddr_q + 16'(count);
      left_q  <= left_q - 12'(count);
    end
  end

  always_comb begin
    seg_o = '{addr: addr_q, laddr: laddr_q, count: count, beats: beats, lines: run_q.lines, tail: run_q.tail};
    seg_o.tail.last = run_q.tail.last && ends;
  end

  logic unused;
  assign unused = ^{run_q.daddr, run_q.laddr, run_q.len, run_q.sp};
endmodule
