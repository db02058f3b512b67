"""`python -m geo_flywheel`."""

from geo_flywheel.cli import main

main()
