"""`make experiments`: load against tail latency and training throughput, on the timing model and on the RTL."""
