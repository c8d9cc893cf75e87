// Legal sizes of a core, checked at elaboration: the rules of models/config.py, in its words. For synthesis it is empty.
module eqx_param_check #(
    parameter int unsigned N           = 8,
    parameter int unsigned M           = 2,
    parameter int unsigned W           = 4,
    parameter int unsigned C_INF       = 2,
    parameter int unsigned C_TRN       = 1,
    parameter int unsigned SERVICES    = 4,
    parameter int unsigned QUEUE_DEPTH = 32,
    parameter int unsigned RX_SLOTS    = 64,
    parameter int unsigned RX_LINES    = 16,
    parameter int unsigned TX_LINES    = 4,
    parameter int unsigned IMEM_DEPTH  = 512,
    parameter int unsigned ACTC_DEPTH  = 4096,
    parameter int unsigned ACTD_DEPTH  = 4096,
    parameter int unsigned WGTC_DEPTH  = 4096,
    parameter int unsigned WGTD_DEPTH  = 8192,
    parameter int unsigned VEC_DEPTH   = 4096,
    parameter int unsigned ACC_DEPTH   = 2048,
    parameter int unsigned STG_DEPTH   = 2048,
    parameter int unsigned SOF_DEPTH   = 1024,
    parameter int unsigned SOB_DEPTH   = 2048
);
  localparam int unsigned BUFFER_MIN = 64, BUFFER_MAX = 65536;

  function automatic bit power(input int unsigned x, input int unsigned low, input int unsigned high);
    return x >= low && x <= high && (x & (x - 1)) == 0;
  endfunction

  function automatic bit buffer(input int unsigned depth);
    return depth >= BUFFER_MIN && depth <= BUFFER_MAX;
  endfunction

  if (!power(N, 4, 32)) begin : g_n
    $fatal(1, "equinox_core: N = %0d: legal is a power of two in 4..32", N);
  end
  if (!power(M, 1, 32)) begin : g_m
    $fatal(1, "equinox_core: M = %0d: legal is a power of two in 1..32", M);
  end
  if (!power(W, 1, 32)) begin : g_w
    $fatal(1, "equinox_core: W = %0d: legal is a power of two in 1..32", W);
  end
  if (W != M && W != 2 * M && W != 4 * M) begin : g_ratio
    $fatal(1, "equinox_core: W = %0d: legal is M, 2*M or 4*M, M = %0d", W, M);
  end
  if (N * W > 128) begin : g_k
    $fatal(1, "equinox_core: W = %0d: legal is at most 128/N, N = %0d", W, N);
  end
  if (N * M > 64) begin : g_l
    $fatal(1, "equinox_core: M = %0d: legal is at most 64/N, N = %0d", M, N);
  end
  if (C_INF < 1 || C_INF > 3 || C_TRN < 1 || C_TRN > 3 || C_INF + C_TRN > 4) begin : g_ctx
    $fatal(1, "equinox_core: C_INF = %0d, C_TRN = %0d: legal is 1 or more each, at most 4 in all", C_INF, C_TRN);
  end
  if (SERVICES < 1 || SERVICES > 4) begin : g_services
    $fatal(1, "equinox_core: SERVICES = %0d: legal is 1..4", SERVICES);
  end
  if (!power(QUEUE_DEPTH, N, 4096)) begin : g_queue
    $fatal(1, "equinox_core: QUEUE_DEPTH = %0d: legal is a power of two in N..4096, N = %0d", QUEUE_DEPTH, N);
  end
  if (RX_SLOTS < 4 || RX_SLOTS < N || RX_SLOTS > 1024) begin : g_slots
    $fatal(1, "equinox_core: RX_SLOTS = %0d: legal is N..1024, N = %0d", RX_SLOTS, N);
  end
  if (RX_LINES < 1 || RX_LINES > 255 || RX_SLOTS * RX_LINES > BUFFER_MAX) begin : g_rx_lines
    $fatal(1, "equinox_core: RX_LINES = %0d: legal is 1..255 and at most 65536/RX_SLOTS, RX_SLOTS = %0d", RX_LINES, RX_SLOTS);
  end
  if (TX_LINES < 1 || TX_LINES > 255) begin : g_tx_lines
    $fatal(1, "equinox_core: TX_LINES = %0d: legal is 1..255", TX_LINES);
  end
  if (IMEM_DEPTH < 16 || IMEM_DEPTH > 65536) begin : g_imem
    $fatal(1, "equinox_core: IMEM_DEPTH = %0d: legal is 16..65536", IMEM_DEPTH);
  end
  if (!buffer(ACTC_DEPTH) || !buffer(ACTD_DEPTH) || !buffer(WGTC_DEPTH) || !buffer(WGTD_DEPTH) || !buffer(VEC_DEPTH)
      || !buffer(ACC_DEPTH) || !buffer(STG_DEPTH) || !buffer(SOF_DEPTH) || !buffer(SOB_DEPTH)) begin : g_buffers
    $fatal(1, "equinox_core: ACTC, ACTD, WGTC, WGTD, VEC, ACC, STG, SOF, SOB = %0d, %0d, %0d, %0d, %0d, %0d, %0d, %0d, %0d: legal is 64..65536 each",
           ACTC_DEPTH, ACTD_DEPTH, WGTC_DEPTH, WGTD_DEPTH, VEC_DEPTH, ACC_DEPTH, STG_DEPTH, SOF_DEPTH, SOB_DEPTH);
  end
  if (WGTC_DEPTH % (M * N) != 0 || WGTD_DEPTH % (M * N) != 0) begin : g_weights
    $fatal(1, "equinox_core: WGTC_DEPTH = %0d, WGTD_DEPTH = %0d: legal is a multiple of M*N = %0d", WGTC_DEPTH, WGTD_DEPTH, M * N);
  end
endmodule
