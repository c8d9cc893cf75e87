// What accompanies a line into the converter.
package conv_pkg;

  typedef struct packed {
    logic [1:0]  mode;      // eqx_isa_pkg::conv_e
    logic [1:0]  space;     // eqx_isa_pkg::cvd_e
    logic [15:0] addr;      // ROWS: of the line's block; COLS: of the segment's first block
    logic [11:0] stride;    // COLS: from lane to lane
    logic        first;     // of the segment
    logic        last;      // of the segment
    logic        blk_last;  // ROWS: the line completes a block
    logic        ilast;     // of the instruction
    logic [3:0]  ctx;
  } tag_t;

endpackage
