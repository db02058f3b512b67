"""Sources of training presence: one file each, found by its name."""
