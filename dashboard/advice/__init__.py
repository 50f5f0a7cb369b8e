"""Index advice from the workload."""
