"""The Music.AI API in Python."""
