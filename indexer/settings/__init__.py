"""Every setting, from the environment: one model, described, bounded, checked at the start."""

from indexer.settings.environment import Settings, load_settings

__all__ = ["Settings", "load_settings"]
