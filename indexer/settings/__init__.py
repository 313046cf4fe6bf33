"""Every setting, from the environment: declared once, described, bounded, checked at the start."""

from indexer.settings.environment import Settings, load_settings

__all__ = ["Settings", "load_settings"]
