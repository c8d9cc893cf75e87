// Bench of the responder: clock, inputs as flat vectors, a response memory whose contents follow from address and
// generation (so that an area that is "overwritten" after its batch was answered shows), sampled outputs.
module tb_responder #(
    parameter int unsigned L        = 16,
    parameter int unsigned N        = 8,
    parameter int unsigned C_INF    = 2,
    parameter int unsigned TX_LINES = 4
);
  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(.N(N), .M(L / N), .C_INF(C_INF), .TX_LINES(TX_LINES));
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i (clk),
      .rst_ni(rst_n),
      .live_o(live)
  );

  logic [C_INF-1:0] open = '0, valid = '0;
  eqx_pkg::batch_end_t [                    C_INF-1:0]       rsp = '0;
  logic                [$bits(eqx_pkg::batch_row_t):0]       row = '0;  // {valid, row}
  logic                [                    C_INF-1:0][15:0] generation = '0;
  logic                [   $bits(eqx_pkg::answer_t):0]       ans = '0;  // {valid, answer}
  logic                                                      m_ready = 1'b0;

  logic                [                    C_INF-1:0]       done;
  logic ans_ready, re, m_valid, m_last;
  logic [15:0] raddr;
  logic [16*L-1:0] rdata, m_data;

  eqx_responder #(
      .CFG(CFG)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .row_valid_i(row[$bits(eqx_pkg::batch_row_t)]),
      .row_i(row[$bits(eqx_pkg::batch_row_t)-1:0]),
      .rsp_open_i(open),
      .rsp_valid_i(valid),
      .rsp_i(rsp),
      .rsp_done_o(done),
      .ans_valid_i(ans[$bits(eqx_pkg::answer_t)]),
      .ans_ready_o(ans_ready),
      .ans_i(ans[$bits(eqx_pkg::answer_t)-1:0]),
      .txb_re_o(re),
      .txb_raddr_o(raddr),
      .txb_rdata_i(rdata),
      .m_tvalid_o(m_valid),
      .m_tready_i(m_ready),
      .m_tdata_o(m_data),
      .m_tlast_o(m_last)
  );

  always_ff @(posedge clk)
    if (re) begin
      c_address : cover (1'b1);
      a_address :
      assert (!live || 32'(raddr) < C_INF * N * TX_LINES)
      else $error("address");
      for (int l = 0; l < L; l++)
      rdata[16*l+:16] <= raddr ^ (generation[raddr/(N*TX_LINES)] * 16'd40503) ^ 16'(l * 257);
    end

  // What Python reads: sampled at the rising edge.
  logic [16*L+C_INF+2:0] mon_q;
  always_ff @(posedge clk) mon_q <= {m_data, done, ans_ready, m_last, m_valid};

  // The handshake law.
  logic wait_q = 1'b0;
  logic [16*L:0] beat_q;
  always_ff @(posedge clk) begin
    wait_q <= rst_n && m_valid && !m_ready;
    beat_q <= {m_last, m_data};
    c_withdrawn : cover (rst_n && wait_q);
    a_withdrawn :
    assert (!(live && wait_q) || m_valid && {m_last, m_data} == beat_q)
    else $error("beat withdrawn");
  end
endmodule
