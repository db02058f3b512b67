"""Everything that touches the outside world, and the readers of what came back."""
