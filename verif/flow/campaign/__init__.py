"""The one engine of everything that carries out many jobs: see docs/verification.md, Campaigns.

jobs (job.py: plain data, with a hash of all that a result depends on) -> executor.py: processes of this machine, or a
cluster
-> store.py: whole results, kept -> progress.py: how long it will still take -> engine.py puts them together.
"""
