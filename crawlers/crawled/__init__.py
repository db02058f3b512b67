"""What sources of training presence share: crawls and their dates, captures as facts, files read in ranges, manners."""
