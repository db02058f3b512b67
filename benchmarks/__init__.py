"""What the program exists for, timed side by side with a peer or a floor in one run."""
