// Types inside the VPU: an instruction at work, a segment of it, a line of that.
package eqx_vpu_pkg;

  localparam int unsigned CTX_BITS = 4;  // context number inside the unit

  // T of docs/vpu.md: the stage in which VEC and TXB are written.
  function automatic int unsigned line_stage(input int unsigned lanes);
    return eqx_pkg::VEC_STAGE + eqx_pkg::REDUCE_LATENCY * $clog2(lanes);
  endfunction

  // A line or block address after relocation. The exact sum: the first address of 2**16 or more is a fault, and there
  // is no step from below 2**16 to beyond 2**17.
  typedef logic [16:0] addr_t;

  localparam int unsigned OPERANDS = 6;
  typedef enum logic [2:0] {
    A = 3'd0,
    B = 3'd1,
    C = 3'd2,
    D = 3'd3,
    R = 3'd4,
    V = 3'd5
  } operand_e;

  // What to compute: the fields of vector_t that are no addresses and no counts.
  typedef struct packed {
    logic [2:0] a_sp;
    logic [2:0] b_sp;
    logic [2:0] c_sp;
    logic [2:0] d_sp;
    logic       p_neg;
    logic       c_neg;
    logic       combine;
    logic [3:0] act;
    logic [1:0] red;
    logic [1:0] r_sp;
    logic [1:0] v_mode;
    logic [1:0] v_sp;
  } op_t;

  // What completes when an instruction does: the address stage hands it to the completion queue.
  typedef struct packed {
    logic [1:0]  v_mode;       // which path finishes last
    logic        step;
    logic [15:0] signal_mask;
  } finish_t;

  // An instruction in its context's thread. addr: of the next segment's first line.
  typedef struct packed {
    op_t                       op;
    addr_t [OPERANDS-1:0]      addr;
    logic [OPERANDS-1:0][11:0] so;
    logic [OPERANDS-1:0][11:0] si;
    logic [11:0]               cnt_o;     // segments left
    logic [11:0]               cnt_i;
    logic [7:0]                row;       // index of the segment
    logic                      row_is_i;  // the inner index selects the RXB slot
    finish_t                   finish;
  } work_t;

  // A segment in the address stage. addr, left, idx, bad: of the next line.
  typedef struct packed {
    op_t                       op;
    addr_t [OPERANDS-1:0]      addr;
    logic [OPERANDS-1:0][11:0] si;
    logic [11:0]               left;
    logic [7:0]                idx;
    logic [7:0]                row;
    logic                      row_is_i;
    logic                      last;      // of the instruction
    logic                      bad;       // an address of the next line is beyond its memory
    finish_t                   finish;
    logic [CTX_BITS-1:0]       ctx;
  } seg_t;

  // A line on its way through the lanes: what the stages after the memories' read need.
  typedef struct packed {
    logic               add;     // s = p + z
    logic               use_c;
    logic               use_d;
    logic               need_w;  // the line has a bf16 result
    logic [3:0]         act;
    logic [1:0]         red;
    logic [1:0]         r_sp;
    logic [15:0]        r_addr;
    eqx_conv_pkg::tag_t tag;     // for the converter; ctx and ilast serve every line
  } line_t;

  function automatic addr_t advance(input addr_t at, input logic [11:0] stride);
    return at + {5'd0, stride};
  endfunction

  function automatic logic is_vec(input logic [2:0] space);
    return space == eqx_isa_pkg::SRC_VEC || space == eqx_isa_pkg::SRC_CST;
  endfunction

endpackage
