// Responder: sends the responses of finished batches and the answers without payload (see docs/scheduler.md).
// Header beat ([7:0] service, [15:8] status, [47:16] request id), then tx_lines payload beats if the status is OK;
// tlast on the last. Batches of a service are answered in the order of rsp_open_i. Answers go between responses, never
// two in a row while a batch is being answered.
// Latency: a batch chosen in cycle t (round robin) has its header on m_* from t+2; one beat a cycle then, without
// bubble; an answer offered in t is on m_* from t+1. rsp_done_o pulses when the last beat of a batch enters the output
// stage.
// The ids of a batch's rows are kept here, in a memory, as they come from the request dispatcher; they are there before
// the batch is ready. Its output holds until the next header, as TXB's does until the next payload beat.
// Cuts: m_t* come from a register or the output of a memory; m_tready_i passes to txb_re_o, ans_ready_o and rsp_done_o.
module eqx_responder #(
    parameter eqx_pkg::cfg_t CFG = eqx_pkg::cfg(),
    localparam int unsigned N = CFG.N,
    localparam int unsigned L = CFG.L,
    localparam int unsigned C_INF = CFG.C_INF,
    localparam int unsigned TX_LINES = CFG.TX_LINES
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    // rows of batches, from the request dispatcher
    input  logic                            row_valid_i,
    // verilator lint_off UNUSEDSIGNAL
    input  eqx_pkg::batch_row_t             row_i,        // context, row and id are for here
    // verilator lint_on UNUSEDSIGNAL
    // batches, from the front end
    input  logic                [C_INF-1:0] rsp_open_i,
    input  logic                [C_INF-1:0] rsp_valid_i,
    input  eqx_pkg::batch_end_t [C_INF-1:0] rsp_i,
    output logic                [C_INF-1:0] rsp_done_o,
    // answers, from the request dispatcher
    input  logic                            ans_valid_i,
    output logic                            ans_ready_o,
    input  eqx_pkg::answer_t                ans_i,
    // response payload memory, read port (latency 1, its output holds until the next read)
    output logic                            txb_re_o,
    output logic                [     15:0] txb_raddr_o,  // (ctx * N + row) * TX_LINES + line
    input  logic                [ 16*L-1:0] txb_rdata_i,
    // response stream
    output logic                            m_tvalid_o,
    input  logic                            m_tready_i,
    output logic                [ 16*L-1:0] m_tdata_o,
    output logic                            m_tlast_o
);
  localparam int unsigned RW = (N > 1) ? $clog2(N) : 1;

  eqx_param_check #(
      .UNIT("responder"),
      .N(N),
      .M(CFG.M),
      .TX_LINES(TX_LINES)
  ) u_check ();

  // Choice of the next batch.
  logic [C_INF-1:0] oldest, want, gnt;
  logic [C_INF-1:0][7:0] svc;
  logic [C_INF-1:0]      done;
  logic                  busy_q;  // a batch is being answered
  for (genvar c = 0; c < C_INF; c++) begin : g_svc
    assign svc[c] = rsp_i[c].svc;
  end
  eqx_batch_order #(
      .C_INF(C_INF)
  ) u_order (
      .clk_i,
      .rst_ni,
      .open_i  (rsp_open_i),
      .svc_i   (svc),
      .close_i (done),
      .oldest_o(oldest)
  );
  assign want = busy_q ? '0 : rsp_valid_i & oldest;
  // verilator lint_off PINCONNECTEMPTY
  eqx_rr_arb #(
      .WIDTH(C_INF)
  ) u_rr (
      .clk_i,
      .rst_ni,
      .req_i (want),
      .take_i(1'b1),
      .gnt_o (gnt),
      .last_o()
  );
  // verilator lint_on PINCONNECTEMPTY

  // Position in the batch.
  logic                [C_INF-1:0] ctx_q;  // one-hot
  logic                [   RW-1:0] row_q;
  logic                [      7:0] line_q;  // 0: header
  logic                            was_ans_q;  // the last thing sent was an answer
  eqx_pkg::batch_end_t             cur;
  logic                [      7:0] cur_ctx;
  always_comb begin
    cur     = '0;
    cur_ctx = '0;
    for (int unsigned c = 0; c < C_INF; c++)
    if (ctx_q[c]) begin
      cur     = rsp_i[c];
      cur_ctx = 8'(c);
    end
  end

  // What enters the output stage this cycle.
  logic valid_q, is_head_q, last_q;
  eqx_pkg::header_t head_q, head;  // the stored one has the id of an answer
  logic room, in_row, take_ans, take_row, last, row_end, batch_end;
  assign room        = !valid_q || m_tready_i;
  assign in_row      = line_q != '0;
  assign ans_ready_o = room && !in_row && !(was_ans_q && busy_q);
  assign take_ans    = ans_ready_o && ans_valid_i;
  assign take_row    = room && busy_q && !take_ans;
  assign row_end     = in_row ? line_q == cur.tx_lines : (cur.status != eqx_isa_pkg::STATUS_OK || cur.tx_lines == '0);
  assign batch_end   = row_end && 8'(row_q) + 8'd1 == cur.rows;
  assign last        = take_ans || row_end;
  assign done        = (take_row && batch_end) ? ctx_q : '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      ctx_q     <= '0;
      row_q     <= '0;
      line_q    <= '0;
      was_ans_q <= 1'b0;
      valid_q   <= 1'b0;
    end else begin
      if (|gnt) begin
        busy_q <= 1'b1;
        ctx_q  <= gnt;
        row_q  <= '0;
      end else if (|done) begin
        busy_q <= 1'b0;
      end else if (take_row && row_end) begin
        row_q <= row_q + 1'b1;
      end
      if (take_row) line_q <= row_end ? '0 : line_q + 8'd1;
      if (take_ans || take_row) was_ans_q <= take_ans;
      if (room) valid_q <= take_ans || take_row;
    end
  end
  always_ff @(posedge clk_i) begin
    if (take_ans || take_row) begin
      is_head_q <= !in_row;
      last_q    <= last;
    end
    if (take_ans) head_q <= '{id: ans_i.id, status: ans_i.status, svc: ans_i.svc};
    else if (take_row && !in_row) begin
      head_q.status <= cur.status;
      head_q.svc    <= cur.svc;
    end
  end

  // Ids: read as a header enters the output stage.
  localparam int unsigned IW = (C_INF * N > 1) ? $clog2(C_INF * N) : 1;
  logic [31:0] id;
  eqx_sram_1r1w #(
      .WIDTH(32),
      .DEPTH(C_INF * N)
  ) u_ids (
      .clk_i,
      .we_i   (row_valid_i),
      .waddr_i(IW'(32'(row_i.ctx) * N + 32'(row_i.row))),
      .wdata_i(row_i.id),
      .re_i   (take_row && !in_row),
      .raddr_i(IW'(32'(cur_ctx) * N + 32'(row_q))),
      .rdata_o(id)
  );
  assign head        = '{id: was_ans_q ? head_q.id : id, status: head_q.status, svc: head_q.svc};

  assign rsp_done_o  = done;
  assign txb_re_o    = take_row && in_row;
  assign txb_raddr_o = 16'((32'(cur_ctx) * N + 32'(row_q)) * TX_LINES + 32'(line_q) - 32'd1);
  assign m_tvalid_o  = valid_q;
  assign m_tdata_o   = is_head_q ? (16 * L)'(head) : txb_rdata_i;
  assign m_tlast_o   = last_q;
endmodule
