"""`make random`: searches seeds for programs that fail. Programs, cases and their shrinking: verif/random."""
