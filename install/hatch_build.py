"""Add the runipy support to editable installs: a module and the .pth file that imports it."""

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class EditableHook(BuildHookInterface):
    """Copy the runipy support into site-packages for editable installs; wheels are left alone."""

    def initialize(self, version: str, build_data: dict) -> None:
        if version == "editable":
            for name in ("ocr_runipy.py", "ocr_runipy.pth"):
                build_data["force_include_editable"][f"install/{name}"] = name
