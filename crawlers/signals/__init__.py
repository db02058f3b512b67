"""Sources of engagement: one file each, found by its name."""
