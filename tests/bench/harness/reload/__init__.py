"""Measures what reloads of the configuration do to clients; run by reload.sh."""
