// Decides when a batch leaves a queue, for which context, and hands its requests over one a cycle.
// Decision in cycle t (round robin over the services that are ready); a batch is ready that is full, whose queue is
// full, or whose oldest request has waited its timeout. While the stream is held no batch can grow: then, if none is
// ready, every batch goes, as its requests hold slots that others wait for. While those others come in, timeouts wait.
// Reads of its rows in t+1..t+rows, rows handed over in t+2..t+rows+1, a look at the new oldest request read in
// t+rows+1; next decision at t+rows+2 at the earliest.
// Requests of a service that is not installed (any more) leave their queue the same way, one a decision, as answers.
module eqx_batch_former #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned C_INF = CFG.C_INF,
    localparam int unsigned SERVICES = CFG.SERVICES,
    localparam int unsigned SW = CFG.SLOTW,
    localparam int unsigned CW = $clog2(CFG.QUEUE_DEPTH) + 1,  // bits of a queue's count
    localparam int unsigned VW = (SERVICES > 1) ? $clog2(SERVICES) : 1
) (
    input logic clk_i,
    input logic rst_ni,
    input logic [SERVICES-1:0] installed_i,
    input logic [SERVICES-1:0][7:0] batch_i,
    input logic [SERVICES-1:0][CW-1:0] level_i,
    input logic [SERVICES-1:0] full_i,  // the queue
    input logic [SERVICES-1:0] expired_i,
    input logic held_i,  // the stream: a request finds no room
    input logic flows_i,  // the stream: those come in that a hold has kept waiting
    input logic [C_INF-1:0] ctx_idle_i,
    // queues
    output logic [SERVICES-1:0] take_o,  // one-hot or zero
    output logic [SERVICES-1:0][7:0] take_n_o,  // how many, should the service be chosen
    output logic read_o,
    output logic peek_o,
    output logic [VW-1:0] read_svc_o,
    input logic [SW-1:0] slot_i,
    input logic [31:0] id_i,
    input logic [31:0] age_i,
    // rows of a batch
    output logic row_valid_o,
    output eqx_pkg::batch_row_t row_o,
    // answers to requests of services that are not installed
    output logic ans_valid_o,
    input logic ans_ready_i,
    output eqx_pkg::answer_t ans_o,
    output logic drop_o,  // the answered request's slot is free
    output logic [SW-1:0] drop_slot_o
);
  logic [SERVICES-1:0] waiting, ready, drain, go, req, gnt;
  logic busy_q, drain_q, take;
  logic [VW-1:0] svc, svc_q;
  logic [SERVICES-1:0][7:0] n;
  logic [7:0] rows, rows_q, cnt_q, row_q, ctx, ctx_q;
  logic             row_valid_q;
  logic             ans_valid_q;
  eqx_pkg::answer_t ans_q;

  // Decision.
  for (genvar s = 0; s < SERVICES; s++) begin : g_svc
    assign waiting[s] = installed_i[s] && level_i[s] != '0;
    assign ready[s]   = waiting[s] && (16'(level_i[s]) >= 16'(batch_i[s]) || full_i[s] || (expired_i[s] && !flows_i));
    assign drain[s]   = !installed_i[s] && level_i[s] != '0;
  end
  assign go   = (held_i && ready == '0) ? waiting : ready;
  assign req  = busy_q ? '0 : ((|ctx_idle_i) ? go : '0) | (ans_valid_q ? '0 : drain);
  assign take = |gnt;

  // verilator lint_off PINCONNECTEMPTY
  eqx_rr_arb #(
      .WIDTH(SERVICES)
  ) u_rr (
      .clk_i,
      .rst_ni,
      .req_i (req),
      .take_i(1'b1),
      .gnt_o (gnt),
      .last_o()
  );
  // verilator lint_on PINCONNECTEMPTY

  always_comb begin
    svc  = '0;
    rows = '0;
    for (int unsigned s = 0; s < SERVICES; s++) begin
      if (gnt[s]) svc = svc | VW'(s);
      if (gnt[s]) rows = rows | n[s];
    end
    ctx = '0;
    for (int i = C_INF - 1; i >= 0; i--) if (ctx_idle_i[i]) ctx = 8'(i);
  end
  // For each service, as the choice is known late in the cycle.
  always_comb begin
    for (int unsigned s = 0; s < SERVICES; s++) begin
      if (!installed_i[s]) n[s] = 8'd1;
      else if (16'(level_i[s]) >= 16'(batch_i[s])) n[s] = batch_i[s];
      else n[s] = 8'(level_i[s]);
    end
  end

  // Hand-over: read rows 0..rows-1, then peek.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q      <= 1'b0;
      drain_q     <= 1'b0;
      svc_q       <= '0;
      ctx_q       <= '0;
      rows_q      <= '0;
      cnt_q       <= '0;
      row_q       <= '0;
      row_valid_q <= 1'b0;
    end else begin
      row_valid_q <= read_o && !peek_o;
      row_q       <= cnt_q;
      if (take) begin
        busy_q  <= 1'b1;
        drain_q <= !installed_i[svc];
        svc_q   <= svc;
        ctx_q   <= ctx;
        rows_q  <= rows;
        cnt_q   <= '0;
      end else if (busy_q) begin
        cnt_q <= cnt_q + 8'd1;
        if (peek_o) busy_q <= 1'b0;
      end
    end
  end

  // The answer waits in a register of its own; the next drain starts when it has left.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ans_valid_q <= 1'b0;
      ans_q       <= '0;
    end else if (row_valid_q && drain_q) begin
      ans_valid_q <= 1'b1;
      ans_q       <= '{status: eqx_isa_pkg::STATUS_NOT_INSTALLED, id: id_i, svc: 8'(svc_q)};
    end else if (ans_ready_i) begin
      ans_valid_q <= 1'b0;
    end
  end

  assign take_o = gnt;
  assign take_n_o = n;
  assign read_o = busy_q;
  assign peek_o = cnt_q == rows_q;
  assign read_svc_o = svc_q;
  assign row_valid_o = row_valid_q && !drain_q;
  assign row_o = '{
          age: age_i,
          last: row_q + 8'd1 == rows_q,
          ctx: ctx_q,
          svc: 8'(svc_q),
          rows: rows_q,
          row: row_q,
          slot: 16'(slot_i),
          id: id_i
      };
  assign ans_valid_o = ans_valid_q;
  assign ans_o = ans_q;
  assign drop_o = row_valid_q && drain_q;
  assign drop_slot_o = slot_i;

`ifndef SYNTHESIS
  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );
  a_holds_up :
  assert property (@(posedge clk_i) disable iff (!live) !(held_i && waiting != '0 && |ctx_idle_i && !busy_q) || take)
  else $error("batch_former: requests wait for their batch to fill while they hold up others");
  c_holds_up :
  cover property (@(posedge clk_i) disable iff (!live) held_i && ready == '0 && take);
`endif  // SYNTHESIS
endmodule
