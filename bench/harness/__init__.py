"""The parts of loam_bench.py."""
