"""Runs, whatever the paper: settings, training loop, checkpoints, records, progress.

A run is (paper, method, fold or seed, tier, data source); it leaves a folder with weights and one record.
"""
