"""What a site permits whom to use its pages for: every signal read by the rules of whoever defined it."""
