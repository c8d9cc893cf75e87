// Bench of the DRAM model. Bursts come from a script (exact timing) or from Python over the s_axi_* signals.
// Every transfer's cycle is logged.
module tb_axi_dram #(
    parameter int unsigned K = 32,
    parameter int unsigned BYTES = 65536,
    parameter int unsigned LATENCY = 12,
    parameter int unsigned B_LATENCY = 9,
    parameter int unsigned GAP = 0,
    parameter int unsigned QUEUE = 4
);
  localparam int unsigned OPS = 256, LOG = 8192;
  logic clk = 1'b0;
  logic own_clock = 1'b1;  // 0: Python drives clk (its bus models sample at their own edges only)
  always #5 if (own_clock) clk = ~clk;
  logic        rst_n = 1'b1;
  int unsigned cycle;
  always_ff @(posedge clk or negedge rst_n) cycle <= !rst_n ? 0 : cycle + 1;

  // Python's side.
  logic scripted = 1'b0;
  logic s_axi_arvalid = 0, s_axi_arready, s_axi_rvalid, s_axi_rready = 0, s_axi_rlast;
  logic
      s_axi_awvalid = 0, s_axi_awready, s_axi_wvalid = 0, s_axi_wready, s_axi_wlast = 0, s_axi_bvalid, s_axi_bready = 0;
  logic [31:0] s_axi_araddr = 0, s_axi_awaddr = 0;
  logic [7:0] s_axi_arlen = 0, s_axi_awlen = 0;
  logic [2:0] s_axi_arsize = 0, s_axi_awsize = 0;
  logic [1:0] s_axi_arburst = 1, s_axi_awburst = 1, s_axi_rresp, s_axi_bresp;
  logic [0:0] s_axi_arid = 0, s_axi_awid = 0, s_axi_rid, s_axi_bid;
  logic [8*K-1:0] s_axi_rdata, s_axi_wdata = 0;
  logic [K-1:0] s_axi_wstrb = 0;

  // Scripts: not before cycle `at`, in order; write data is always there, data and responses are always taken.
  int unsigned rd_at[OPS], rd_addr[OPS], rd_len[OPS], wr_at[OPS], wr_addr[OPS], wr_len[OPS];
  int unsigned rd_ops = 0, wr_ops = 0, rd_i, wr_i, wd_i, wd_beat;
  logic ar_up, aw_up, w_up;
  assign ar_up = rd_i < rd_ops && cycle >= rd_at[rd_i%OPS];
  assign aw_up = wr_i < wr_ops && cycle >= wr_at[wr_i%OPS];
  assign w_up  = wd_i < wr_i;

  logic arvalid, arready, rvalid, rready, rlast, awvalid, awready, wvalid, wready, wlast, bvalid, bready;
  logic [31:0] araddr, awaddr;
  logic [7:0] arlen, awlen;
  logic [2:0] arsize, awsize;
  logic [8*K-1:0] wdata;
  logic [  K-1:0] wstrb;
  assign arvalid = scripted ? ar_up : s_axi_arvalid;
  assign araddr = scripted ? rd_addr[rd_i%OPS] : s_axi_araddr;
  assign arlen = scripted ? 8'(rd_len[rd_i%OPS]) : s_axi_arlen;
  assign arsize = scripted ? 3'($clog2(K)) : s_axi_arsize;
  assign awvalid = scripted ? aw_up : s_axi_awvalid;
  assign awaddr = scripted ? wr_addr[wr_i%OPS] : s_axi_awaddr;
  assign awlen = scripted ? 8'(wr_len[wr_i%OPS]) : s_axi_awlen;
  assign awsize = scripted ? 3'($clog2(K)) : s_axi_awsize;
  assign wvalid = scripted ? w_up : s_axi_wvalid;
  assign wdata = scripted ? (8 * K)'(wr_addr[wd_i%OPS] + wd_beat) : s_axi_wdata;
  assign wlast = scripted ? wd_beat == wr_len[wd_i%OPS] : s_axi_wlast;
  assign wstrb = scripted ? '1 : s_axi_wstrb;
  assign rready = scripted || s_axi_rready;
  assign bready = scripted || s_axi_bready;
  assign s_axi_arready = !scripted && arready;
  assign s_axi_awready = !scripted && awready;
  assign s_axi_wready = !scripted && wready;
  assign s_axi_rvalid = !scripted && rvalid;
  assign s_axi_bvalid = !scripted && bvalid;
  assign s_axi_rlast = rlast;

  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) {rd_i, wr_i, wd_i, wd_beat} <= '0;
    else if (scripted) begin
      if (arvalid && arready) rd_i <= rd_i + 1;
      if (awvalid && awready) wr_i <= wr_i + 1;
      if (wvalid && wready) begin
        wd_i    <= wd_i + 32'(wlast);
        wd_beat <= wlast ? 0 : wd_beat + 1;
      end
    end
  end

  axi_dram #(
      .K(K),
      .BYTES(BYTES),
      .LATENCY(LATENCY),
      .B_LATENCY(B_LATENCY),
      .GAP(GAP),
      .QUEUE(QUEUE)
  ) u_dram (
      .clk_i(clk),
      .rst_ni(rst_n),
      .arvalid_i(arvalid),
      .arready_o(arready),
      .araddr_i(araddr),
      .arlen_i(arlen),
      .arsize_i(arsize),
      .arburst_i(s_axi_arburst),
      .arid_i(s_axi_arid),
      .rvalid_o(rvalid),
      .rready_i(rready),
      .rdata_o(s_axi_rdata),
      .rresp_o(s_axi_rresp),
      .rlast_o(rlast),
      .rid_o(s_axi_rid),
      .awvalid_i(awvalid),
      .awready_o(awready),
      .awaddr_i(awaddr),
      .awlen_i(awlen),
      .awsize_i(awsize),
      .awburst_i(s_axi_awburst),
      .awid_i(s_axi_awid),
      .wvalid_i(wvalid),
      .wready_o(wready),
      .wdata_i(wdata),
      .wstrb_i(wstrb),
      .wlast_i(wlast),
      .bvalid_o(bvalid),
      .bready_i(bready),
      .bresp_o(s_axi_bresp),
      .bid_o(s_axi_bid)
  );
  axi_checker #(
      .K(K)
  ) u_check (
      .clk_i(clk),
      .rst_ni(rst_n),
      .arvalid_i(arvalid),
      .arready_i(arready),
      .araddr_i(araddr),
      .arlen_i(arlen),
      .arsize_i(arsize),
      .arburst_i(s_axi_arburst),
      .arid_i(s_axi_arid),
      .rvalid_i(rvalid),
      .rready_i(rready),
      .rdata_i(s_axi_rdata),
      .rresp_i(s_axi_rresp),
      .rlast_i(rlast),
      .rid_i(s_axi_rid),
      .awvalid_i(awvalid),
      .awready_i(awready),
      .awaddr_i(awaddr),
      .awlen_i(awlen),
      .awsize_i(awsize),
      .awburst_i(s_axi_awburst),
      .awid_i(s_axi_awid),
      .wvalid_i(wvalid),
      .wready_i(wready),
      .wdata_i(wdata),
      .wstrb_i(wstrb),
      .wlast_i(wlast),
      .bvalid_i(bvalid),
      .bready_i(bready),
      .bresp_i(s_axi_bresp),
      .bid_i(s_axi_bid)
  );

  // Logs: cycles of transfers; read data's low word.
  int unsigned ar_n, aw_n, r_n, w_n, b_n;
  int unsigned ar_log[LOG], aw_log[LOG], r_log[LOG], r_data[LOG], w_log[LOG], b_log[LOG];
  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) {ar_n, aw_n, r_n, w_n, b_n} <= '0;
    else begin
      if (arvalid && arready) begin
        ar_log[ar_n%LOG] <= cycle;
        ar_n <= ar_n + 1;
      end
      if (awvalid && awready) begin
        aw_log[aw_n%LOG] <= cycle;
        aw_n <= aw_n + 1;
      end
      if (rvalid && rready) begin
        r_log[r_n%LOG] <= cycle;
        r_data[r_n%LOG] <= 32'(s_axi_rdata);
        r_n <= r_n + 1;
      end
      if (wvalid && wready) begin
        w_log[w_n%LOG] <= cycle;
        w_n <= w_n + 1;
      end
      if (bvalid && bready) begin
        b_log[b_n%LOG] <= cycle;
        b_n <= b_n + 1;
      end
    end
  end
  logic over;  // the scripts have been played and all answered
  assign over = scripted && rd_i == rd_ops && wr_i == wr_ops && wd_i == wr_i && b_n == wr_ops && r_beats_due == r_n;
  int unsigned r_beats_due;
  always_ff @(posedge clk or negedge rst_n) begin
    if (!rst_n) r_beats_due <= 0;
    else if (arvalid && arready) r_beats_due <= r_beats_due + 32'(arlen) + 1;
  end
endmodule
