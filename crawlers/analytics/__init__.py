"""What sources of engagement share: pages of one reply, options, access to Google, landing pages, assistants."""
