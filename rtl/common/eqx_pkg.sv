// Types shared by the blocks of Equinox: the interface between the instruction front end and the units.
package eqx_pkg;

  // Effective scheduling mode, derived each cycle from the policy CSR (and, for `adaptive`, the queue lengths).
  typedef enum logic [1:0] {
    MODE_INF_ONLY = 2'd0,  // training is not issued
    MODE_FAIR     = 2'd1,  // classes alternate
    MODE_PRIO     = 2'd2   // inference first, always
  } mode_e;

  // Policy CSR encoding.
  typedef enum logic [2:0] {
    POLICY_INFERENCE_ONLY = 3'd0,
    POLICY_FAIR           = 3'd1,
    POLICY_PRIORITY       = 3'd2,
    POLICY_ADAPTIVE       = 3'd3,
    POLICY_SLACK          = 3'd4
  } policy_e;

  // What a unit needs to know of a context beside the instruction. Stable while the context runs.
  typedef struct packed {
    logic [7:0]  rows;       // valid rows of the batch (1..N; inference)
    logic [15:0] vec_base;   // relocation of SRC_VEC / DST_VEC, lines
    logic [15:0] acc_base;   // relocation of SRC_ACC and MATMUL C, lines
    logic [15:0] actc_base;  // relocation of ASP_ACTC and CVD_ACTC, blocks
    logic [15:0] w_base;     // relocation of BSP_WGTD and LDD_WGTD, blocks
    logic [15:0] c_base;     // relocation of SRC_CST, lines
    logic [31:0] dram_base;  // relocation of DMA addresses, bytes
  } ctx_env_t;

  // Why a unit that did not work in a cycle did not: reported by the unit itself.
  typedef enum logic [1:0] {
    STALL_NONE     = 2'd0,  // it holds no instruction it could work on
    STALL_POLICY   = 2'd1,  // only training could go on, and the policy holds it
    STALL_INTERNAL = 2'd2   // it holds work, but waits inside (weights loading, hazard, DRAM)
  } stall_e;

  // Settings of an installed service (CSRs).
  typedef struct packed {
    logic             enable;
    logic [3:0]       pc_valid;   // which units have a stream, index = unit_e
    logic [3:0][15:0] pc;         // first instruction of each stream
    logic [15:0]      w_base;
    logic [15:0]      c_base;
    logic [7:0]       batch;      // dispatch when this many wait (1..N)
    logic [31:0]      timeout;    // or when the oldest has waited this many cycles (`slack`: how long a request has time)
    logic [15:0]      threshold;  // `adaptive`: inference first while more than this many wait
    logic [7:0]       rx_lines;   // payload lines of a request (1..RX_LINES)
    logic [7:0]       tx_lines;   // payload lines of a response (1..TX_LINES)
  } svc_cfg_t;

  // Settings of a context (CSRs). The second half is used by training contexts only.
  typedef struct packed {
    logic [15:0]      vec_base;
    logic [15:0]      acc_base;
    logic [15:0]      actc_base;
    logic [3:0]       pc_valid;
    logic [3:0][15:0] pc;
    logic [15:0]      w_base;
    logic [15:0]      c_base;
    logic [31:0]      dram_base;
    logic [31:0]      iters;      // times the program runs (1..2^32-1)
    logic [15:0]      iter_mod;   // DMA iteration index counts 0..iter_mod-1 (1..65535)
    logic [15:0][3:0] sem_init;   // semaphores at start
  } ctx_cfg_t;

  // One-cycle commands to a context (CSRs).
  typedef struct packed {
    logic start;  // training contexts: run; ignored unless idle
    logic drain;  // finish the iteration that the furthest stream is in, then idle
    logic kill;   // stop at once; in-flight work drains; then idle
    logic clear;  // leave the error state
  } ctx_cmd_t;

  typedef enum logic [2:0] {
    CTX_IDLE    = 3'd0,
    CTX_LOADING = 3'd1,  // inference: the batch's slots are being assigned
    CTX_RUNNING = 3'd2,
    CTX_RESPOND = 3'd3,  // inference: responses are being sent
    CTX_KILLING = 3'd4,  // waiting for in-flight work to drain
    CTX_ERROR   = 3'd5   // stopped with a cause, until cleared
  } ctx_state_e;

  typedef struct packed {
    ctx_state_e  state;
    logic [3:0]  err_cause;  // eqx_isa_pkg::err_e
    logic [1:0]  err_unit;
    logic [31:0] steps;      // completed instructions with the step flag since start
  } ctx_sts_t;

  // One request of a batch, handed from the request dispatcher to an inference context, in row order.
  typedef struct packed {
    logic [31:0] age;    // cycles since it was queued
    logic        last;   // the batch's last row
    logic [7:0]  ctx;    // inference context
    logic [7:0]  svc;    // service
    logic [7:0]  rows;   // rows of the batch (1..N)
    logic [7:0]  row;    // row of this request
    logic [15:0] slot;   // its payload's slot in RXB
    logic [31:0] id;     // its request id
  } batch_row_t;

  // An answer without payload.
  typedef struct packed {
    logic [7:0]  status;  // eqx_isa_pkg::status_e
    logic [31:0] id;
    logic [7:0]  svc;
  } answer_t;

  // A batch that is to be answered. With a status other than OK no payload is sent.
  typedef struct packed {
    logic [7:0] status;    // eqx_isa_pkg::status_e
    logic [7:0] svc;
    logic [7:0] rows;      // rows of the batch
    logic [7:0] tx_lines;  // payload lines of each response
  } batch_end_t;

endpackage
