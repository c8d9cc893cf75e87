// The cells under test, by the numbers that the bench uses (the order of CELLS in bench_numeric.py).
package numeric_tb_pkg;
  typedef enum logic [3:0] {
    ADD1,
    ADD2,
    MUL,
    I2F26,
    I2F19,
    ACT,
    ROUND,
    FMAX,
    BMAX,
    QUANT,
    MAXE,
    MAXE_WIDE,
    BADD,
    BMUL
  } cell_e;
  localparam int unsigned CELLS = 14;
  // Of the cell.
  localparam int unsigned LATENCY[CELLS] = '{1, 2, 1, 1, 1, 4, 0, 0, 0, 0, 0, 0, 2, 1};
endpackage
