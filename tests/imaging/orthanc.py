"""Debian's Orthanc as a peer: a throwaway archive with its REST interface, its DICOM port and its DICOMweb plugin."""

import json
from typing import Any, Self

import requests

from tests.platform.servers import find, free_port
from tests.platform.site import Processes, environment, wait_until

TITLE = "ORTHANC"
PLUGIN = "/usr/lib/orthanc/libOrthancDicomWeb.so*"


class Orthanc(Processes):
    """Knows one modality, `telemed`: AE TELEMED at 127.0.0.1:`target`."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self.port, self.dicom_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = {
            "Name": "peer",
            "StorageDirectory": str(self.home / "storage"),
            "IndexDirectory": str(self.home / "storage"),
            "HttpPort": self.port,
            "DicomPort": self.dicom_port,
            "DicomAet": TITLE,
            "DicomAlwaysAllowStore": True,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": [path] if (path := find(PLUGIN)) else [],
            "DicomModalities": {"telemed": {"AET": "TELEMED", "Host": "127.0.0.1", "Port": target}},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }

    def __enter__(self) -> Self:
        path = self.home / "orthanc.json"
        path.write_text(json.dumps(self.config))
        self.start([find("/usr/sbin/Orthanc") or "Orthanc", str(path)], environment())
        wait_until(self._is_up, "Orthanc answers", 60)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _is_up(self) -> bool:
        try:
            return requests.get(f"{self.url}/system", timeout=2).ok
        except requests.ConnectionError:
            return False

    def keep(self, files: list[bytes]) -> list[str]:
        """Its own names of the instances it now has."""
        return [self._post("/instances", data=each)["ID"] for each in files]

    def push(self, names: list[str]) -> dict[str, Any]:
        """C-STORE to `telemed`; Orthanc's account of it."""
        return self._post("/modalities/telemed/store", json={"Resources": names, "Synchronous": True})

    def echo(self) -> None:
        """C-ECHO to `telemed`; raises when it is refused."""
        self._post("/modalities/telemed/echo", json={})

    def _post(self, path: str, **how: Any) -> Any:
        answer = requests.post(f"{self.url}{path}", timeout=120, **how)
        answer.raise_for_status()
        return answer.json()
