// Cuts the runs of one context into AXI bursts that end at multiples of BURST beats, so none crosses 4 KiB.
// Latency: a run taken in cycle t offers its first burst in t+1, then one burst a cycle, without a gap between runs.
module eqx_dma_load_cut #(
    parameter int unsigned BUS   = 32,  // bytes a beat
    parameter int unsigned KB    = 1,   // beats a block
    parameter int unsigned LB    = 2,   // beats a line
    parameter int unsigned BURST = 32   // power of two, BURST*BUS <= 4096
) (
    input  logic                clk_i,
    input  logic                rst_ni,
    input  logic                stop_i,
    output logic                held_o,
    input  logic                run_valid_i,
    output logic                run_ready_o,
    input  eqx_dma_pkg::run_t   run_i,
    output logic                req_o,
    input  logic                take_i,
    output eqx_dma_pkg::burst_t burst_o
);
  localparam int unsigned AW = $clog2(BUS);
  localparam int unsigned BW = $clog2(BURST);
  localparam int unsigned NW = 12 + $clog2((LB > KB) ? LB : KB + 1);  // of the beats of a run

  logic valid_q, first_q;
  logic [31:0] addr_q;
  logic [NW-1:0] left_q, run_beats;
  eqx_dma_pkg::run_t run_q;

  logic [8:0] room, beats;
  logic ends, load;

  assign run_beats = run_i.lines ? NW'(run_i.len) * NW'(LB) :
      NW'(run_i.len) * NW'(KB) + ((NW'(run_i.len) + NW'(BUS - 1)) >> AW);

  if (BURST == 1) begin : g_single
    assign room = 9'd1;
  end else begin : g_room
    assign room = 9'(BURST) - 9'(addr_q[AW+BW-1:AW]);
  end
  assign ends        = left_q <= NW'(room);
  assign beats       = ends ? 9'(left_q) : room;

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
      left_q  <= run_beats;
      first_q <= 1'b1;
    end else if (take_i) begin
      addr_q  <= addr_q + (32'(beats) << AW);
      left_q  <= left_q - NW'(beats);
      first_q <= 1'b0;
    end
  end

  always_comb begin
    burst_o = '{
        addr: addr_q,
        beats: beats,
        first: first_q,
        laddr: run_q.laddr,
        len: run_q.len,
        sp: run_q.sp,
        tail: run_q.tail
    };
    burst_o.tail.last = run_q.tail.last && ends;
  end

  logic unused;
  assign unused = ^{run_q.daddr, run_q.lines};
endmodule
