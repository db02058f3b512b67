"""A made-up market served over loopback HTTP in each provider's own wire format, from a simulated clock."""
