"""What a page says, as a corpus would take it: its links and title, its text, and how that fares with the filters."""
