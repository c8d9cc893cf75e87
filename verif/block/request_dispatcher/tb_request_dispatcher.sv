// Bench of the request dispatcher: clock, settings as flat vectors, and one vector with all that happens in a cycle.
module tb_request_dispatcher #(
    parameter int unsigned L           = 16,
    parameter int unsigned N           = 8,
    parameter int unsigned C_INF       = 2,
    parameter int unsigned SERVICES    = 4,
    parameter int unsigned QUEUE_DEPTH = 32,
    parameter int unsigned RX_SLOTS    = 64,
    parameter int unsigned RX_LINES    = 16,
    parameter int unsigned TX_LINES    = 4
);
  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(
      .N(N),
      .M(L / N),
      .C_INF(C_INF),
      .SERVICES(SERVICES),
      .QUEUE_DEPTH(QUEUE_DEPTH),
      .RX_SLOTS(RX_SLOTS),
      .RX_LINES(RX_LINES),
      .TX_LINES(TX_LINES)
  );
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i (clk),
      .rst_ni(rst_n),
      .live_o(live)
  );

  // Settings and inputs.
  logic [SERVICES-1:0] svc_enable = '0;
  logic [SERVICES-1:0][7:0] svc_batch = '0, svc_rx = '0, svc_tx = '0;
  logic              [SERVICES-1:0][31:0] svc_timeout = '0;
  logic              [SERVICES-1:0][15:0] svc_threshold = '0;
  logic              [         1:0]       csr = '0;  // {reject mode, accept enable}
  logic              [    16*L+1:0]       s_beat = '0;  // {valid, last, data}
  logic              [   C_INF-1:0]       ctx_idle = '0;
  logic              [RX_SLOTS-1:0]       free_mask = '0;
  logic                                   ans_ready = 1'b0;

  eqx_pkg::svc_cfg_t [SERVICES-1:0]       svc;
  for (genvar s = 0; s < SERVICES; s++) begin : g_svc
    assign svc[s] = '{
            enable: svc_enable[s],
            pc_valid: '0,
            pc: '0,
            w_base: '0,
            c_base: '0,
            batch: svc_batch[s],
            timeout: svc_timeout[s],
            threshold: svc_threshold[s],
            rx_lines: svc_rx[s],
            tx_lines: svc_tx[s]
        };
  end

  logic s_ready, rxb_we, row_valid, ans_valid, above, expired;
  logic [15:0] rxb_waddr;
  logic [16*L-1:0] rxb_wdata;
  eqx_pkg::batch_row_t row;
  eqx_pkg::answer_t ans;
  logic [SERVICES-1:0][15:0] level;
  logic [3:0] pulses;  // {bad length, not installed, rejected, accepted}

  eqx_request_dispatcher #(
      .CFG(CFG)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .svc_i(svc),
      .accept_en_i(csr[0]),
      .reject_mode_i(csr[1]),
      .s_tvalid_i(s_beat[16*L+1]),
      .s_tready_o(s_ready),
      .s_tdata_i(s_beat[16*L-1:0]),
      .s_tlast_i(s_beat[16*L]),
      .rxb_we_o(rxb_we),
      .rxb_waddr_o(rxb_waddr),
      .rxb_wdata_o(rxb_wdata),
      .ctx_idle_i(ctx_idle),
      .row_valid_o(row_valid),
      .row_o(row),
      .free_mask_i(free_mask),
      .ans_valid_o(ans_valid),
      .ans_ready_i(ans_ready),
      .ans_o(ans),
      .level_o(level),
      .any_above_threshold_o(above),
      .any_expired_o(expired),
      .accepted_o(pulses[0]),
      .rejected_o(pulses[1]),
      .not_installed_o(pulses[2]),
      .bad_length_o(pulses[3])
  );

  localparam int unsigned ROW_BITS = $bits(eqx_pkg::batch_row_t);
  localparam int unsigned ANS_BITS = $bits(eqx_pkg::answer_t);
  localparam int unsigned MON_OUT = 6 + 4 + 16 + 16 * L + ROW_BITS + ANS_BITS + 16 * SERVICES;
  localparam int unsigned MON_IN = (16 * L + 2) + C_INF + RX_SLOTS + 1 + 2;
  logic [MON_OUT+MON_IN-1:0] mon;
  assign mon = {
    csr,
    ans_ready,
    free_mask,
    ctx_idle,
    s_beat,
    level,
    ans,
    row,
    rxb_wdata,
    rxb_waddr,
    pulses,
    expired,
    above,
    ans_valid,
    row_valid,
    rxb_we,
    s_ready
  };

  // What Python reads: sampled at the rising edge.
  logic [MON_OUT+MON_IN-1:0] mon_q;
  logic s_ready_q, row_valid_q;
  eqx_pkg::batch_row_t row_q;
  always_ff @(posedge clk) begin
    mon_q       <= mon;
    s_ready_q   <= s_ready;
    row_valid_q <= row_valid && rst_n;
    row_q       <= row;
  end

  // The handshake law on the answers; payload addresses inside the memory.
  logic ans_wait_q = 1'b0;
  eqx_pkg::answer_t ans_q;
  always_ff @(posedge clk) begin
    ans_wait_q <= rst_n && ans_valid && !ans_ready;
    ans_q      <= ans;
    c_withdrawn : cover (rst_n && ans_wait_q);
    a_withdrawn :
    assert (!(live && ans_wait_q) || ans_valid && ans == ans_q)
    else $error("answer withdrawn");
    c_address : cover (rst_n && rxb_we);
    a_address :
    assert (!(live && rxb_we) || 32'(rxb_waddr) < RX_SLOTS * RX_LINES)
    else $error("payload address");
  end

  c_full_batch :
  cover property (@(posedge clk) row_valid && row.last && row.rows == 8'(N));
  c_single :
  cover property (@(posedge clk) row_valid && row.last && row.rows == 8'd1);
  c_request_waits :
  cover property (@(posedge clk) s_beat[16*L+1] && !s_ready);
  c_answer_waits :
  cover property (@(posedge clk) ans_valid && !ans_ready);
endmodule
