// Types inside the MMU, and its arithmetic on addresses.
package eqx_mmu_pkg;
  localparam int unsigned CTX_BITS = 4;  // up to 16 contexts

  // A tile as the load port hands it to the stream port; rows, a_addr and c_addr move on as its rows enter the arrays.
  typedef struct packed {
    logic [CTX_BITS-1:0] ctx;
    logic                last;         // last tile of its instruction
    logic                step;
    logic [15:0]         signal_mask;
    logic                accum;        // add to C; else overwrite
    logic                a_sp;         // eqx_isa_pkg::asp_e
    logic [15:0]         rows;         // still to enter, >= 1
    logic [16:0]         a_addr;       // of the next row
    logic [11:0]         a_sr;
    logic [16:0]         c_addr;
    logic [11:0]         c_sr;
  } tile_t;

  // What a row in the arrays needs at the accumulator.
  typedef struct packed {
    logic [CTX_BITS-1:0] ctx;
    logic                last;         // last row of its instruction
    logic                step;
    logic [15:0]         signal_mask;
    logic                accum;
    logic [15:0]         c_addr;
  } row_t;

  // Address sum that sticks at its largest value, which is beyond every memory: so a sum is in range exactly if the
  // true sum is.
  function automatic logic [16:0] sat_add(input logic [16:0] a, input logic [16:0] b);
    logic [17:0] s;
    s = {1'b0, a} + {1'b0, b};
    return s[17] ? '1 : s[16:0];
  endfunction

  // 12 by 12 bit product, limited like sat_add.
  function automatic logic [16:0] sat_mul(input logic [11:0] a, input logic [11:0] b);
    logic [23:0] p;
    p = 24'(a) * 24'(b);
    return (p[23:17] != '0) ? '1 : p[16:0];
  endfunction
endpackage
