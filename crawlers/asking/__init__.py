"""What engines share when they ask: their settings, who asks from where, and one paid request."""
