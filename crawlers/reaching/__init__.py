"""What the way out stands on: guarded addresses, bounded bodies, pace, patience, robots.txt and keeping secrets."""
