// One instruction stream of a context: fetch address, head instruction, iterations; issue and retirement of NOPs.
// Latency: fetch granted in cycle t, instruction offered from t+2; taken in cycle t, the next is asked for in t+1 (so a
// stream issues every 3 cycles at best). instr_valid_o does not depend on instr_ready_i; it depends on the semaphores.
// With KEEP the head is a register. Without, only its header is; the rest is the memory's output, as long as no other
// stream reads (own_i). After that the stream reads once more, in the cycle in which the instruction could go: granted
// in t, it goes in t+1. So an instruction that is offered and not taken may be withdrawn, and comes again; and req_o
// depends on instr_ready_i.
module eqx_instr_stream #(
    parameter int unsigned IMEM_DEPTH = 512,
    parameter int unsigned IB = eqx_isa_pkg::INSTR_BITS,  // bits of an instruction
    parameter bit ONCE = 1'b0,  // the program runs once: no iterations are counted
    parameter bit KEEP = 1'b1  // the whole head in a register
) (
    input  logic          clk_i,
    input  logic          rst_ni,
    // context
    input  logic          run_i,          // low: forget everything
    input  logic          valid_i,        // the program has this stream
    input  logic [  15:0] base_i,         // its first instruction; with ONCE as load_i is up, before the run
    // verilator lint_off UNUSEDSIGNAL
    input  logic          load_i,         // only with ONCE
    input  logic [  31:0] limit_i,        // iterations to run; with ONCE taken as 1
    input  logic [  15:0] iter_mod_i,     // likewise
    // verilator lint_on UNUSEDSIGNAL
    output logic [  31:0] iters_o,        // iterations issued completely
    output logic          ended_o,        // nothing left to issue
    // fetch
    output logic          req_o,
    output logic [  15:0] addr_o,
    input  logic          gnt_i,
    input  logic [IB-1:0] rdata_i,        // the cycle after gnt_i, until another read
    // verilator lint_off UNUSEDSIGNAL
    input  logic          own_i,          // no other stream has read since; not used with KEEP
    // verilator lint_on UNUSEDSIGNAL
    output logic          range_err_o,    // the next instruction is beyond the memory
    // semaphores
    input  logic [  15:0] sem_i,          // which are >= 1
    output logic [  15:0] take_o,         // taken this cycle
    output logic          nop_o,          // a NOP completes this cycle
    output logic [  15:0] nop_signal_o,
    output logic          nop_step_o,
    // unit
    output logic          instr_valid_o,
    input  logic          instr_ready_i,
    output logic [IB-1:0] instr_o,
    output logic [  15:0] iter_o,
    // observation
    output logic          dep_wait_o,
    output logic          fetch_wait_o
);
  localparam int unsigned PW = $clog2(IMEM_DEPTH + 1);
  logic              [  16:0] pc;  // one more than an address, so that it passes the end of the largest memory
  logic              [PW-1:0] pc_q;  // IMEM_DEPTH at most
  logic              [  31:0] iters;  // issued completely
  logic              [  15:0] iter;  // the same modulo iter_mod_i
  logic                       ended;  // all of them
  logic                       flight_q;  // the read of a new head is under way
  logic                       full_q;  // head is valid
  /* verilator lint_off UNUSEDSIGNAL */  // only the header matters here
  eqx_isa_pkg::nop_t          head;
  /* verilator lint_on UNUSEDSIGNAL */
  logic more, met, is_nop, here, again, could, go;

  assign more          = valid_i && !ended;
  assign is_nop        = head.op == eqx_isa_pkg::OP_NOP;
  assign met           = (head.wait_mask & ~sem_i) == '0;

  assign range_err_o   = run_i && more && !full_q && !flight_q && 32'(pc) >= IMEM_DEPTH;
  assign could         = run_i && full_q && met && !is_nop;
  assign again         = could && instr_ready_i && !here;
  assign req_o         = (run_i && more && !full_q && !flight_q && !range_err_o) || again;
  assign addr_o        = pc[15:0];
  assign instr_valid_o = could && here;
  assign nop_o         = run_i && full_q && met && is_nop;
  assign go            = nop_o || (instr_valid_o && instr_ready_i);
  assign take_o        = go ? head.wait_mask : '0;
  assign nop_signal_o  = head.signal_mask;
  assign nop_step_o    = head.step;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      flight_q <= 1'b0;
      full_q   <= 1'b0;
    end else if (!run_i) begin
      flight_q <= 1'b0;
      full_q   <= 1'b0;
    end else begin
      flight_q <= gnt_i && !full_q;
      if (flight_q) full_q <= 1'b1;
      if (go) full_q <= 1'b0;
    end
  end

  if (ONCE) begin : g_once
    logic once_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) once_q <= 1'b0;
      else if (!run_i) once_q <= 1'b0;
      else if (go && head.last) once_q <= 1'b1;
    end
    assign ended = once_q;
    assign iters = 32'(once_q);
    assign iter  = '0;

    always_ff @(posedge clk_i) begin
      if (load_i) pc_q <= (32'(base_i) < IMEM_DEPTH) ? PW'(base_i) : PW'(IMEM_DEPTH);
      else if (go) pc_q <= pc_q + 1'b1;
    end
    assign pc = 17'(pc_q);
  end else begin : g_count
    logic [31:0] iters_q;
    logic [15:0] iter_q, next;
    logic at_base_q;  // the next instruction is the stream's first
    assign next = iter_q + 16'd1;
    always_ff @(posedge clk_i) begin
      if (!run_i) begin
        iters_q <= '0;
        iter_q  <= '0;
      end else if (go && head.last) begin
        iters_q <= iters_q + 32'd1;
        iter_q  <= (next == iter_mod_i || iter_mod_i == '0) ? '0 : next;
      end
    end
    assign ended = iters_q == limit_i;  // never beyond: a new limit is beyond every stream
    assign iters = iters_q;
    assign iter  = iter_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) at_base_q <= 1'b1;
      else if (!run_i) at_base_q <= 1'b1;
      else if (go) at_base_q <= head.last;
    end
    always_ff @(posedge clk_i) if (go) pc_q <= PW'(pc + 17'd1);
    assign pc = at_base_q ? 17'(base_i) : 17'(pc_q);
  end

  // What is kept of the head, and where the unit finds it.
  localparam int unsigned HB = KEEP ? IB : eqx_isa_pkg::HEADER_BITS;
  logic [HB-1:0] head_q;
  always_ff @(posedge clk_i) if (flight_q) head_q <= rdata_i[HB-1:0];
  assign head         = eqx_isa_pkg::INSTR_BITS'(head_q);
  assign here         = KEEP || own_i;
  assign instr_o      = KEEP ? IB'(head_q) : rdata_i;

  assign iters_o      = iters;
  assign ended_o      = !more && !full_q;
  assign iter_o       = iter;
  assign dep_wait_o   = run_i && full_q && !met;
  assign fetch_wait_o = (run_i && more && !full_q) || again;
endmodule
