"""What coverage must reach: gates, exclusions, toggle job, seeds against coverage. ``docs/verification.md`` says how it
is used.
"""
