"""The content-citation graph across snapshots: arrays and scipy CSR inside, networkx and files at the door."""
