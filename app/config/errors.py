"""What is raised for settings that cannot work."""

from __future__ import annotations


class ConfigError(Exception):
    """The settings cannot work. It lists every problem by the setting's name, never with its value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "The settings cannot work:\n" + "\n".join(f"  {problem}" for problem in self.problems)
