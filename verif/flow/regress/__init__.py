"""Regressions: which tests run with which seeds, on what, and what came of it. See docs/verification.md."""
