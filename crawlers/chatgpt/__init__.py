"""Conversations of ChatGPT's own interface, as exports and shared pages hold them."""
