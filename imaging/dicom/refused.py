"""Why a DICOM file is not shown."""


class Unreadable(ValueError):
    """`code` names the reason; its sentence is in imaging/models/refusal.py."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
