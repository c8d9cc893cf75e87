// Top of the register block's bench: csr_top, its hardware side driven by Python, a back door into its storage, and
// what counts one-cycle commands. A clock period is 10 time units.
module tb_csr #(
    parameter int unsigned N        = 8,
    parameter int unsigned M        = 2,
    parameter int unsigned W        = 4,
    parameter int unsigned CTX      = 4,
    parameter int unsigned C_INF    = 2,
    parameter int unsigned SERVICES = 4
);
  localparam eqx_pkg::cfg_t CFG = eqx_pkg::cfg(
      .N(N), .M(M), .W(W), .C_INF(C_INF), .C_TRN(CTX - C_INF), .SERVICES(SERVICES)
  );
  logic clk = 1'b0;
  always #5 clk = ~clk;
  logic rst_n = 1'b1;

  logic s_axil_awvalid, s_axil_awready, s_axil_wvalid, s_axil_wready, s_axil_bvalid, s_axil_bready;
  logic s_axil_arvalid, s_axil_arready, s_axil_rvalid, s_axil_rready;
  logic [10:0] s_axil_awaddr, s_axil_araddr;
  logic [31:0] s_axil_wdata, s_axil_rdata;
  logic [3:0] s_axil_wstrb;
  logic [1:0] s_axil_bresp, s_axil_rresp;

  // ---- the hardware's side: status and events in
  eqx_pkg::ctx_sts_t [CTX-1:0] ctx_sts = '0;
  logic [SERVICES-1:0][15:0] svc_level = '0;
  logic [47:0] perf_value = '0;
  logic [1:0] lost = '0;  // ST, LD
  logic [4:0] events = '0;  // accepted, rejected, not installed, bad length, responded

  // ---- settings and commands out
  logic accept_en, reject_mode, perf_enable, perf_clear, irq, imem_we;
  eqx_pkg::policy_e policy;
  logic [11:0] train_rows;
  eqx_pkg::svc_cfg_t [SERVICES-1:0] svc;
  eqx_pkg::ctx_cfg_t [CTX-1:0] ctx_cfg;
  eqx_pkg::ctx_cmd_t [CTX-1:0] ctx_cmd;
  logic [1:0] perf_unit, imem_unit;
  logic [3:0] perf_index;
  logic [31:0] dma_timeout;
  logic [15:0] imem_addr;
  logic [eqx_isa_pkg::INSTR_BITS-1:0] imem_wdata;

  eqx_csr_top #(
      .CFG(CFG)
  ) u_csr (
      .clk_i(clk),
      .rst_ni(rst_n),
      .axil_req_i(
      '{
          awvalid: s_axil_awvalid,
          awaddr: s_axil_awaddr,
          wvalid: s_axil_wvalid,
          wdata: s_axil_wdata,
          wstrb: s_axil_wstrb,
          bready: s_axil_bready,
          arvalid: s_axil_arvalid,
          araddr: s_axil_araddr,
          rready: s_axil_rready
      }
      ),
      .axil_rsp_o({
        s_axil_awready,
        s_axil_wready,
        s_axil_bvalid,
        s_axil_bresp,
        s_axil_arready,
        s_axil_rvalid,
        s_axil_rdata,
        s_axil_rresp
      }),
      .accept_en_o(accept_en),
      .reject_mode_o(reject_mode),
      .policy_o(policy),
      .train_rows_o(train_rows),
      .svc_o(svc),
      .ctx_cfg_o(ctx_cfg),
      .ctx_cmd_o(ctx_cmd),
      .perf_enable_o(perf_enable),
      .perf_clear_o(perf_clear),
      .perf_unit_o(perf_unit),
      .perf_index_o(perf_index),
      .imem_we_o(imem_we),
      .imem_unit_o(imem_unit),
      .imem_addr_o(imem_addr),
      .imem_wdata_o(imem_wdata),
      .irq_o(irq),
      .ctx_sts_i(ctx_sts),
      .svc_level_i(svc_level),
      .perf_value_i(perf_value),
      .dma_timeout_o(dma_timeout),
      .ld_lost_i(lost[0]),
      .st_lost_i(lost[1]),
      .evt_accepted_i(events[0]),
      .evt_rejected_i(events[1]),
      .evt_not_installed_i(events[2]),
      .evt_bad_length_i(events[3]),
      .evt_responded_i(events[4])
  );
  bind eqx_csr csr_backdoor u_backdoor ();

  // ---- one-cycle commands, counted: per context {start, drain, kill, clear}, and the clearing of the performance
  // counters
  logic [CTX-1:0][3:0][7:0] cmd_count = '0;
  logic [7:0] clear_count = '0;
  always_ff @(posedge clk) begin
    for (int unsigned c = 0; c < CTX; c++)
    for (int unsigned k = 0; k < 4; k++) if (ctx_cmd[c][k]) cmd_count[c][k] <= cmd_count[c][k] + 8'd1;
    if (perf_clear) clear_count <= clear_count + 8'd1;
  end

  // ---- instructions stored: the last, and how many
  int unsigned imem_count = 0;
  logic [1:0] stored_unit;
  logic [15:0] stored_addr;
  logic [eqx_isa_pkg::INSTR_BITS-1:0] stored_word;
  always_ff @(posedge clk)
    if (imem_we) begin
      imem_count  <= imem_count + 1;
      stored_unit <= imem_unit;
      stored_addr <= imem_addr;
      stored_word <= imem_wdata;
    end

  // ---- probe of the CSR agent: a register was written, and shows its value in the cycle after this edge
  logic csr_toggle = 1'b0;
  logic [10:0] csr_addr;
  logic [31:0] csr_data;
  logic [3:0] csr_strobe;
  always_ff @(posedge clk)
    if (u_csr.u_regs.cpuif_req_masked && u_csr.u_regs.cpuif_req_is_wr) begin
      csr_toggle <= !csr_toggle;
      csr_addr   <= u_csr.u_regs.cpuif_addr;
      csr_data   <= u_csr.u_regs.cpuif_wr_data;
      for (int b = 0; b < 4; b++) csr_strobe[b] <= u_csr.u_regs.cpuif_wr_biten[8*b];
    end
endmodule
