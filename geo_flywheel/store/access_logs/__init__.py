"""Access logs: their lines taken apart, told who stands behind them, counted and stored."""
