"""File formats: weights, snapshots, images, and writing that leaves nothing half-done."""
