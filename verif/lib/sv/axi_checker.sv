// Watches an AXI4 port (aligned full-width INCR bursts, one id, in-order) and reports breaches of the protocol.
// Every breach is counted in `breaches` by rule (RULE_*) and, unless QUIET, ends the simulation with $error.
module axi_checker #(
    parameter int unsigned K     = 32,    // bytes a beat
    parameter int unsigned ID_W  = 1,
    parameter bit          QUIET = 1'b0,
    parameter string       NAME  = "axi"
) (
    input logic            clk_i,
    input logic            rst_ni,
    input logic            arvalid_i,
    input logic            arready_i,
    input logic [    31:0] araddr_i,
    input logic [     7:0] arlen_i,
    input logic [     2:0] arsize_i,
    input logic [     1:0] arburst_i,
    input logic [ID_W-1:0] arid_i,
    input logic            rvalid_i,
    input logic            rready_i,
    input logic [ 8*K-1:0] rdata_i,
    input logic [     1:0] rresp_i,
    input logic            rlast_i,
    input logic [ID_W-1:0] rid_i,
    input logic            awvalid_i,
    input logic            awready_i,
    input logic [    31:0] awaddr_i,
    input logic [     7:0] awlen_i,
    input logic [     2:0] awsize_i,
    input logic [     1:0] awburst_i,
    input logic [ID_W-1:0] awid_i,
    input logic            wvalid_i,
    input logic            wready_i,
    input logic [ 8*K-1:0] wdata_i,
    input logic [   K-1:0] wstrb_i,
    input logic            wlast_i,
    input logic            bvalid_i,
    input logic            bready_i,
    input logic [     1:0] bresp_i,
    input logic [ID_W-1:0] bid_i
);
  localparam int unsigned RULE_AR_STABLE = 0;  // valid stays and the payload is constant until the transfer
  localparam int unsigned RULE_AW_STABLE = 1;
  localparam int unsigned RULE_W_STABLE = 2;
  localparam int unsigned RULE_R_STABLE = 3;
  localparam int unsigned RULE_B_STABLE = 4;
  localparam int unsigned RULE_AR_FORM = 5;  // full width, INCR, aligned, not over 4 KiB
  localparam int unsigned RULE_AW_FORM = 6;
  localparam int unsigned RULE_R_EXTRA = 7;  // data without an address
  localparam int unsigned RULE_R_LAST = 8;
  localparam int unsigned RULE_W_LAST = 9;
  localparam int unsigned RULE_B_EXTRA = 10;  // response before address and last data
  localparam int unsigned RULE_RESET = 11;  // valid while in reset
  localparam int unsigned RULES = 12;
  localparam string RULE_NAMES[RULES] = '{
      "AR_STABLE",
      "AW_STABLE",
      "W_STABLE",
      "R_STABLE",
      "B_STABLE",
      "AR_FORM",
      "AW_FORM",
      "R_EXTRA",
      "R_LAST",
      "W_LAST",
      "B_EXTRA",
      "RESET"
  };

  // verilator lint_off PROCASSINIT
  int unsigned breaches[RULES]  /* verilator public_flat_rw */ = '{default: 0};
  int unsigned transfers  /* verilator public_flat_rw */ = 0;  // all channels: nothing was checked if zero

  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
  logic in_reset = 0;

  function automatic void check(input logic good, input int unsigned rule);
    if ((live || in_reset) && !good) breaches[rule] = breaches[rule] + 1;
    a_rule :
    assert (!(live || in_reset) || good || QUIET)
    else $error("%s: AXI rule %s broken", NAME, RULE_NAMES[rule]);
    c_rule : cover (1'b1);
  endfunction

  // bits of an address channel: size, burst, id, len, addr
  localparam int unsigned AW = 32 + 8 + 3 + 2 + ID_W;
  logic [AW-1:0] ar, aw, ar_q, aw_q;
  logic [9*K:0] w, w_q;
  logic [8*K+3+ID_W-1:0] r, r_q;
  logic [2+ID_W-1:0] b, b_q;
  logic ar_wait_q, aw_wait_q, w_wait_q, r_wait_q, b_wait_q;
  assign ar = {arsize_i, arburst_i, arid_i, arlen_i, araddr_i};
  assign aw = {awsize_i, awburst_i, awid_i, awlen_i, awaddr_i};
  assign w  = {wlast_i, wstrb_i, wdata_i};
  assign r  = {rlast_i, rresp_i, rid_i, rdata_i};
  assign b  = {bresp_i, bid_i};

  function automatic logic form(input logic [31:0] addr, input logic [7:0] len, input logic [2:0] size,
                                input logic [1:0] kind);
    form = 32'd1 << size == K && kind == 2'b01 && addr % K == 0 && 32'(addr[11:0]) + (32'(len) + 1) * K <= 4096;
  endfunction

  logic [7:0] rlens[$], wlens[$];  // bursts whose data is to come
  logic early[$];  // last flags of write beats ahead of their address
  int unsigned rbeat, wbeat, owed;  // owed: write bursts, complete, without response

  // verilator lint_off BLKSEQ
  task automatic write_beat(input logic last);
    check(last == (wbeat == 32'(wlens[0])), RULE_W_LAST);
    if (wbeat == 32'(wlens[0])) begin
      void'(wlens.pop_front());
      wbeat = 0;
      owed  = owed + 1;
    end else wbeat = wbeat + 1;
  endtask

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      if (in_reset) check(!(arvalid_i || awvalid_i || wvalid_i || rvalid_i || bvalid_i), RULE_RESET);
      in_reset = 1;  // from the second event on: the first is the reset's own edge
      {ar_wait_q, aw_wait_q, w_wait_q, r_wait_q, b_wait_q} <= '0;
      rlens.delete();
      wlens.delete();
      early.delete();
      {rbeat, wbeat, owed} = '0;
    end else begin
      in_reset = 0;
      if (ar_wait_q) check(arvalid_i && ar == ar_q, RULE_AR_STABLE);
      if (aw_wait_q) check(awvalid_i && aw == aw_q, RULE_AW_STABLE);
      if (w_wait_q) check(wvalid_i && w == w_q, RULE_W_STABLE);
      if (r_wait_q) check(rvalid_i && r == r_q, RULE_R_STABLE);
      if (b_wait_q) check(bvalid_i && b == b_q, RULE_B_STABLE);
      ar_wait_q <= arvalid_i && !arready_i;
      aw_wait_q <= awvalid_i && !awready_i;
      w_wait_q  <= wvalid_i && !wready_i;
      r_wait_q  <= rvalid_i && !rready_i;
      b_wait_q  <= bvalid_i && !bready_i;
      if (arvalid_i && !arready_i) ar_q <= ar;
      if (awvalid_i && !awready_i) aw_q <= aw;
      if (wvalid_i && !wready_i) w_q <= w;
      if (rvalid_i && !rready_i) r_q <= r;
      if (bvalid_i && !bready_i) b_q <= b;

      // Data and responses first: they may not answer an address of this same cycle.
      if (rvalid_i && rready_i) begin
        check(rlens.size() != 0, RULE_R_EXTRA);
        if (rlens.size() != 0) begin
          check(rlast_i == (rbeat == 32'(rlens[0])), RULE_R_LAST);
          if (rbeat == 32'(rlens[0])) begin
            void'(rlens.pop_front());
            rbeat = 0;
          end else rbeat = rbeat + 1;
        end
      end
      if (bvalid_i && bready_i) begin
        check(owed != 0, RULE_B_EXTRA);
        if (owed != 0) owed = owed - 1;
      end
      if (arvalid_i && arready_i) begin
        check(form(araddr_i, arlen_i, arsize_i, arburst_i), RULE_AR_FORM);
        rlens.push_back(arlen_i);
      end
      if (awvalid_i && awready_i) begin
        check(form(awaddr_i, awlen_i, awsize_i, awburst_i), RULE_AW_FORM);
        wlens.push_back(awlen_i);
      end
      if (wvalid_i && wready_i) early.push_back(wlast_i);
      while (early.size() != 0 && wlens.size() != 0) write_beat(early.pop_front());
      transfers = transfers + 32'(arvalid_i && arready_i) + 32'(awvalid_i && awready_i) + 32'(wvalid_i && wready_i) +
          32'(rvalid_i && rready_i) + 32'(bvalid_i && bready_i);
    end
  end
  // verilator lint_on BLKSEQ
  // verilator lint_on PROCASSINIT

  // Each rule had something to judge.
  c_ar_stable :
  cover property (@(posedge clk_i) rst_ni && ar_wait_q);
  c_aw_stable :
  cover property (@(posedge clk_i) rst_ni && aw_wait_q);
  c_w_stable :
  cover property (@(posedge clk_i) rst_ni && w_wait_q);
  c_r_stable :
  cover property (@(posedge clk_i) rst_ni && r_wait_q);
  c_b_stable :
  cover property (@(posedge clk_i) rst_ni && b_wait_q);
  c_ar_form :
  cover property (@(posedge clk_i) rst_ni && arvalid_i && arready_i);
  c_aw_form :
  cover property (@(posedge clk_i) rst_ni && awvalid_i && awready_i);
  c_r_data :
  cover property (@(posedge clk_i) rst_ni && rvalid_i && rready_i);  // R_EXTRA, R_LAST
  c_w_last :
  cover property (@(posedge clk_i) rst_ni && wvalid_i && wready_i);
  c_b_extra :
  cover property (@(posedge clk_i) rst_ni && bvalid_i && bready_i);
  c_reset :
  cover property (@(posedge clk_i) !rst_ni);
endmodule
