// DRAM behind an AXI4 port, for simulation: INCR bursts of full-width beats, answered in order, at exactly known times.
//
// Time rule. One data bus serves reads and writes, one beat per 1+GAP cycles, a burst at a time.
//  - A read burst may start LATENCY cycles after the cycle in which its AR was transferred, a write burst in the cycle
//    after its AW was transferred. In each cycle in which the bus is free and bursts may start, one does; if both a
// read
//    and a write may, the kind that was not served last (first of all: the read).
//  - The beats of a burst follow every 1+GAP cycles; a beat that its receiver (or, for writes, its sender) is not ready
//    for holds the bus. The next burst may start 1+GAP cycles after the last beat.
//  - B is valid from B_LATENCY cycles after the last write beat on, one response a cycle.
//  - ARREADY and AWREADY are up while fewer than QUEUE bursts of that kind wait or are being served.
// Errors: DECERR beyond BYTES; err_resp (SLVERR) for bursts that touch err_addr_lo..err_addr_hi while err_en. A failing
// burst has all its beats; reads give zeros, writes change nothing. err_read_in, err_write_in: so many read beats, or
// write bursts, from now on one fails, by itself (1: the next); they count down to 0.
// err_mute: channels that do not move while their bit is set, {B, W, AW, R, AR}. What was offered before stays.
// Stalls: with stall_pct not 0, each channel's ready or valid is held back in so many cycles of a hundred, by a
// generator that starts from stall_seed.
//
// Back door (registers are public): `mem`, one word a beat, byte b of a beat in bits [8b+7:8b]; the counters. Files are
// plain bytes: +dram_image=<file> is loaded at time 0; dump_req and load_req, when toggled, write and read
// +dram_dump=<file> and +dram_load=<file>, file_words words from word file_first.
module axi_dram #(
    parameter int unsigned K         = 32,       // bytes a beat
    parameter int unsigned BYTES     = 4194304,
    parameter int unsigned LATENCY   = 60,       // at least 1
    parameter int unsigned GAP       = 0,
    parameter int unsigned B_LATENCY = LATENCY,  // at least 1
    parameter int unsigned QUEUE     = 16,
    parameter int unsigned ID_W      = 1
) (
    input  logic            clk_i,
    input  logic            rst_ni,
    input  logic            arvalid_i,
    output logic            arready_o,
    input  logic [    31:0] araddr_i,
    input  logic [     7:0] arlen_i,
    input  logic [     2:0] arsize_i,
    input  logic [     1:0] arburst_i,
    input  logic [ID_W-1:0] arid_i,
    output logic            rvalid_o,
    input  logic            rready_i,
    output logic [ 8*K-1:0] rdata_o,
    output logic [     1:0] rresp_o,
    output logic            rlast_o,
    output logic [ID_W-1:0] rid_o,
    input  logic            awvalid_i,
    output logic            awready_o,
    input  logic [    31:0] awaddr_i,
    input  logic [     7:0] awlen_i,
    input  logic [     2:0] awsize_i,
    input  logic [     1:0] awburst_i,
    input  logic [ID_W-1:0] awid_i,
    input  logic            wvalid_i,
    output logic            wready_o,
    input  logic [ 8*K-1:0] wdata_i,
    input  logic [   K-1:0] wstrb_i,
    input  logic            wlast_i,
    output logic            bvalid_o,
    input  logic            bready_i,
    output logic [     1:0] bresp_o,
    output logic [ID_W-1:0] bid_o
);
  localparam int unsigned KW = $clog2(K);
  localparam int unsigned WORDS = BYTES / K;
  localparam logic [1:0] OKAY = 2'b00, SLVERR = 2'b10, DECERR = 2'b11;

  if (K < 1 || (K & (K - 1)) != 0) begin : g_k
    $fatal(1, "axi_dram: K = %0d: legal is a power of two", K);
  end
  if (BYTES < 1 || BYTES % K != 0) begin : g_bytes
    $fatal(1, "axi_dram: BYTES = %0d: legal is a multiple of K = %0d", BYTES, K);
  end
  if (LATENCY < 1 || B_LATENCY < 1) begin : g_latency
    $fatal(1, "axi_dram: LATENCY = %0d, B_LATENCY = %0d: legal is 1 or more", LATENCY, B_LATENCY);
  end
  if (QUEUE < 1) begin : g_queue
    $fatal(1, "axi_dram: QUEUE = %0d: legal is 1 or more", QUEUE);
  end

  logic live;  // out of reset
  eqx_live u_live (
      .clk_i,
      .rst_ni,
      .live_o(live)
  );

  logic [8*K-1:0] mem[WORDS]  /* verilator public_flat_rw */;
  logic [31:0] stall_seed  /* verilator public_flat_rw */ = 1;
  logic [31:0] stall_pct  /* verilator public_flat_rw */ = 0;
  logic err_en  /* verilator public_flat_rw */ = 0;
  logic [31:0] err_addr_lo  /* verilator public_flat_rw */ = 0;
  logic [31:0] err_addr_hi  /* verilator public_flat_rw */ = 0;
  logic [1:0] err_resp  /* verilator public_flat_rw */ = SLVERR;
  logic [31:0] err_read_in  /* verilator public_flat_rw */ = 0;
  logic [31:0] err_write_in  /* verilator public_flat_rw */ = 0;
  logic [4:0] err_mute  /* verilator public_flat_rw */ = 0;
  logic [31:0] latency  /* verilator public_flat_rw */ = LATENCY;  // these three may be changed
  logic [31:0] b_latency  /* verilator public_flat_rw */ = B_LATENCY;  // while nothing is in flight
  logic [31:0] gap  /* verilator public_flat_rw */ = GAP;
  logic [31:0] read_beats  /* verilator public_flat_rw */ = 0;
  logic [31:0] write_beats  /* verilator public_flat_rw */ = 0;
  logic [31:0] held  /* verilator public_flat_rw */ = 0;  // cycles in which a transfer was held back
  logic [31:0] held_by[5]  /* verilator public_flat_rw */ = '{default: 0};  // of these: AR, R, AW, W, B
  logic dump_req  /* verilator public_flat_rw */ = 0;
  logic load_req  /* verilator public_flat_rw */ = 0;
  logic [31:0] file_first  /* verilator public_flat_rw */ = 0;
  logic [31:0] file_words  /* verilator public_flat_rw */ = WORDS;

  typedef struct packed {
    longint unsigned due;
    logic [31:0]     word;
    logic [7:0]      len;
    logic [1:0]      resp;
    logic [ID_W-1:0] id;
  } burst_t;
  typedef enum logic [1:0] {
    FREE,
    READ,
    WRITE
  } owner_e;

  burst_t rq[QUEUE], wq[QUEUE], bq[2*QUEUE];
  int unsigned rq_get, rq_put, rq_n, wq_get, wq_put, wq_n, bq_get, bq_put, bq_n;
  longint unsigned now;  // the cycle that begins with this clock edge
  longint unsigned slot_at;  // earliest cycle of the bus's next beat
  owner_e          owner;
  logic wrote_last, rv, wr, bv, ar_up, aw_up;
  logic [7:0] beat;  // of the burst being served
  logic [31:0] stall_q, seed_seen;

  function automatic int unsigned after(input int unsigned i, input int unsigned n);
    after = (i == n - 1) ? 0 : i + 1;
  endfunction

  function automatic logic [1:0] verdict(input logic [31:0] addr, input logic [7:0] len);
    logic [32:0] last;
    last = {1'b0, addr} + ((33'(len) + 33'd1) << KW) - 33'd1;
    if (last >= 33'(BYTES)) return DECERR;
    if (err_en && addr <= err_addr_hi && last >= {1'b0, err_addr_lo}) return err_resp;
    return OKAY;
  endfunction

  // verilator lint_off BLKSEQ
  // One process with variables: the order of its steps is the time rule.
  function automatic logic go();  // this channel is not held back in this cycle
    if (stall_pct == 0) return 1'b1;
    stall_q = stall_q ^ (stall_q << 13);
    stall_q = stall_q ^ (stall_q >> 17);
    stall_q = stall_q ^ (stall_q << 5);
    return (stall_q >> 8) % 100 >= stall_pct;
  endfunction

  task automatic transfers();  // what the past cycle brought
    if (rv && rready_i) begin
      rv         = 0;
      slot_at    = now + 64'(gap);
      read_beats = read_beats + 1;
      if (beat == rq[rq_get].len) begin
        owner  = FREE;
        rq_get = after(rq_get, QUEUE);
        rq_n   = rq_n - 1;
      end else beat = beat + 1;
    end
    if (wr && wvalid_i) begin
      wr          = 0;
      slot_at     = now + 64'(gap);
      write_beats = write_beats + 1;
      if (wq[wq_get].resp == OKAY) begin
        if (&wstrb_i) mem[wq[wq_get].word+32'(beat)] = wdata_i;
        else for (int b = 0; b < K; b++) if (wstrb_i[b]) mem[wq[wq_get].word+32'(beat)][8*b+:8] = wdata_i[8*b+:8];
      end
      c_wlast : cover (wlast_i);
      a_wlast :
      assert (wlast_i == (beat == wq[wq_get].len))
      else $error("axi_dram: WLAST is wrong at beat %0d", beat);
      if (beat == wq[wq_get].len) begin
        owner          = FREE;
        bq[bq_put]     = wq[wq_get];
        bq[bq_put].due = now - 1 + 64'(b_latency);
        bq_put         = after(bq_put, 2 * QUEUE);
        bq_n           = bq_n + 1;
        wq_get         = after(wq_get, QUEUE);
        wq_n           = wq_n - 1;
      end else beat = beat + 1;
    end
    if (bv && bready_i) begin
      bv     = 0;
      bq_get = after(bq_get, 2 * QUEUE);
      bq_n   = bq_n - 1;
    end
    if (arvalid_i && ar_up) begin
      c_read : cover (1'b1);
      a_read :
      assert (arsize_i == 3'(KW) && arburst_i == 2'b01 && araddr_i[KW-1:0] == '0)
      else $error("axi_dram: read is not an aligned full-width INCR burst");
      rq[rq_put] = '{
          due: now - 1 + 64'(latency),
          word: araddr_i >> KW,
          len: arlen_i,
          resp: verdict(araddr_i, arlen_i),
          id: arid_i
      };
      rq_put = after(rq_put, QUEUE);
      rq_n = rq_n + 1;
    end
    if (awvalid_i && aw_up) begin
      c_write : cover (1'b1);
      a_write :
      assert (awsize_i == 3'(KW) && awburst_i == 2'b01 && awaddr_i[KW-1:0] == '0)
      else $error("axi_dram: write is not an aligned full-width INCR burst");
      wq[wq_put] = '{due: now, word: awaddr_i >> KW, len: awlen_i, resp: verdict(awaddr_i, awlen_i), id: awid_i};
      if (err_write_in == 1) wq[wq_put].resp = err_resp;
      if (err_write_in != 0) err_write_in = err_write_in - 1;
      wq_put = after(wq_put, QUEUE);
      wq_n   = wq_n + 1;
    end
  endtask

  task automatic decide();  // what the new cycle offers
    if (owner == FREE && slot_at <= now) begin
      beat = 0;
      if (rq_n != 0 && rq[rq_get].due <= now && (wq_n == 0 || err_mute[3] || wrote_last) && !err_mute[1]) begin
        owner      = READ;
        wrote_last = 0;
      end else if (wq_n != 0 && !err_mute[3]) begin
        owner      = WRITE;
        wrote_last = 1;
      end
    end
    if (owner == READ && !rv && slot_at <= now && !err_mute[1] && go()) begin
      logic fails;
      rv = 1;
      fails = err_read_in == 1;
      if (err_read_in != 0) err_read_in = err_read_in - 1;
      rdata_o <= (rq[rq_get].resp == OKAY && !fails) ? mem[rq[rq_get].word+32'(beat)] : '0;
      rresp_o <= fails ? err_resp : rq[rq_get].resp;
      rid_o   <= rq[rq_get].id;
      rlast_o <= beat == rq[rq_get].len;
    end
    wr = owner == WRITE && slot_at <= now && !err_mute[3] && go();
    if (!bv && bq_n != 0 && bq[bq_get].due <= now && !err_mute[4] && go()) begin
      bv = 1;
      bresp_o <= bq[bq_get].resp;
      bid_o   <= bq[bq_get].id;
    end
    ar_up = rq_n < QUEUE && !err_mute[0] && go();
    aw_up = wq_n < QUEUE && bq_n < QUEUE && !err_mute[2] && go();
    if (arvalid_i && !ar_up) held_by[0] = held_by[0] + 1;
    if (owner == READ && slot_at <= now && !rv) held_by[1] = held_by[1] + 1;
    if (awvalid_i && !aw_up) held_by[2] = held_by[2] + 1;
    if (owner == WRITE && slot_at <= now && !wr) held_by[3] = held_by[3] + 1;
    if (!bv && bq_n != 0 && bq[bq_get].due <= now) held_by[4] = held_by[4] + 1;
    if ((owner != FREE && slot_at <= now && !rv && !wr) || (!bv && bq_n != 0 && bq[bq_get].due <= now)
        || (arvalid_i && !ar_up) || (awvalid_i && !aw_up))
      held = held + 1;
  endtask

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {rq_get, rq_put, rq_n, wq_get, wq_put, wq_n, bq_get, bq_put, bq_n} = '0;
      {now, slot_at, beat, wrote_last, rv, wr, bv, ar_up, aw_up} = '0;
      wrote_last = 1;
      owner = FREE;
      {arready_o, awready_o, rvalid_o, wready_o, bvalid_o} <= '0;
    end else if (live) begin  // before the first reset the master's signals mean nothing
      now = now + 1;
      if (arvalid_i || awvalid_i || !ar_up || !aw_up || (rq_n | wq_n | bq_n) != 0 || stall_pct != 0) begin
        if (stall_seed != seed_seen) begin
          seed_seen = stall_seed;
          stall_q   = (stall_seed != 0) ? stall_seed : 1;
        end
        transfers();
        decide();
        arready_o <= ar_up;
        awready_o <= aw_up;
        rvalid_o  <= rv;
        wready_o  <= wr;
        bvalid_o  <= bv;
      end
    end
  end
  // verilator lint_on BLKSEQ

  // Files.
  function automatic logic [8*K-1:0] swap(input logic [8*K-1:0] x);
    for (int b = 0; b < K; b++) swap[8*b+:8] = x[8*(K-1-b)+:8];
  endfunction

  task automatic load(input string name);
    logic [8*K-1:0] word;
    int fd, got;
    fd = $fopen(name, "rb");
    if (fd == 0) $fatal(1, "axi_dram: cannot read %s", name);
    for (int unsigned i = file_first; i < file_first + file_words && i < WORDS; i++) begin
      word = '0;
      got  = $fread(word, fd);
      if (got <= 0) break;
      mem[i] = swap(word);
    end
    $fclose(fd);
  endtask

  string image, dump_name, load_name;
  initial begin
    seed_seen = 0;
    stall_q   = 1;
    for (int unsigned i = 0; i < WORDS; i++) mem[i] = '0;
    if ($value$plusargs("dram_image=%s", image)) load(image);
  end
  always @(load_req) if ($time != 0 && $value$plusargs("dram_load=%s", load_name)) load(load_name);
  always @(dump_req) begin
    if ($time != 0 && $value$plusargs("dram_dump=%s", dump_name)) begin
      int fd;
      fd = $fopen(dump_name, "wb");
      if (fd == 0) $fatal(1, "axi_dram: cannot write %s", dump_name);
      for (int unsigned i = file_first; i < file_first + file_words && i < WORDS; i++) $fwrite(fd, "%u", mem[i]);
      $fclose(fd);
    end
  end
endmodule
