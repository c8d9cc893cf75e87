"""The verification plan: features of the docs, the tests that exercise them and the coverage that shows it. See
docs/verification.md.
"""
