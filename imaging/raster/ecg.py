"""Electrocardiograms in their own formats: SCP-ECG (EN 1064), HL7 aECG, EDF. Runs only in the limited child."""

from pathlib import Path
from typing import Any

import numpy as np
from ecgdatakit.exceptions import ECGDataKitError
from ecgdatakit.models import ECGRecord
from ecgdatakit.parsing.parsers.edf import EDFParser
from ecgdatakit.parsing.parsers.hl7_aecg import HL7aECGParser
from ecgdatakit.parsing.parsers.scp_ecg import SCPECGParser
from numpy.typing import NDArray

from imaging.raster import trace
from imaging.raster.sniff import EDF, SCP, Unreadable, sniff

VOLTS = {"uV": 1e-3, "mV": 1.0, "V": 1e3, "nV": 1e-6}
SEXES = {"M": "male", "F": "female"}


def normalise(source: Path, into: Path) -> dict[str, Any]:
    """Write the leads below `into` for `trace.draw`; facts with the patient that the file names. Raises Unreadable."""
    with source.open("rb") as file:
        _kind, mime = sniff(file.read(4096))
    parser = {EDF: EDFParser, SCP: SCPECGParser}.get(mime, HL7aECGParser)
    try:
        record = parser().parse(source)
        traces = _traces(record)
    except (ECGDataKitError, ValueError, KeyError, IndexError, OverflowError):
        raise Unreadable("damaged") from None
    if record.leads and (not traces or record.raw_metadata.get("scale_warning")):
        raise Unreadable("waveform")  # counts of nobody knows what: no height means anything
    facts = trace.keep(traces, into)
    return {"kind": "ecg", **facts, **_patient(record)}


def _traces(record: ECGRecord) -> list[tuple[str, NDArray[np.float32], float]]:
    """Leads with a known voltage; what else a file records (breathing, oxygen) is not drawn as one."""
    found: list[tuple[str, NDArray[np.float32], float]] = []
    for lead in record.leads:
        if lead.is_raw and not lead.resolution_unit:
            continue
        physical = lead.to_physical() if lead.is_raw else lead
        unit = VOLTS.get(physical.units.replace("µ", "u").replace("μ", "u"))
        if unit is not None and not physical.is_raw:
            values = np.asarray(physical.samples, np.float64) * unit
            name = physical.label or str(len(found) + 1)
            found.append((name, values.astype(np.float32), float(lead.sampling_rate)))
    return found


def _patient(record: ECGRecord) -> dict[str, Any]:
    who, when = record.patient, record.recording.date
    names = " ".join(part for part in (who.last_name, who.first_name) if part)
    return {
        "modality": "ECG",
        "taken_on": when.strftime("%Y%m%d") if when else "",
        "patient_name": names[:120],
        "patient_id": who.patient_id[:64],
        "patient_sex": SEXES.get(who.sex[:1].upper(), ""),
        "patient_birth": who.birth_date.date().isoformat() if who.birth_date else "",
    }
