"""One file per estimator: numbers in, an `Estimate` out, knowing neither database nor network."""
