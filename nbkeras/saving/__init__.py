"""Model files and configurations."""
