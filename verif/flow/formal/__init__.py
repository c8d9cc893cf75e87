"""Proofs of small modules over all inputs and all times: `make formal` (docs/verification.md, "Proofs")."""
