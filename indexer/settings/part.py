"""What the settings of each kind have in common: they are checked as parts of one model."""

from pydantic import BaseModel, ConfigDict


class SettingsPart(BaseModel):
    """Settings of one kind. Its own validator is never used, and so not built at each start."""

    model_config = ConfigDict(defer_build=True)
