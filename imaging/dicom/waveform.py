"""The electrocardiogram of a DICOM waveform (PS3.3 section C.10.9) in millivolts. Runs only in the limited child."""

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.dicom.refused import Unreadable

Lead = tuple[str, NDArray[np.float32], float]
"""Its name, millivolts, and how many a second."""
MAX_SAMPLES = 64_000_000
VOLTS = {"uV": 1e-3, "mV": 1.0, "V": 1e3, "nV": 1e-6}
"""Millivolts of one unit (UCUM)."""


def is_in(dataset: Dataset) -> bool:
    return bool(dataset.get("WaveformSequence")) and "PixelData" not in dataset


def leads(dataset: Dataset) -> list[Lead]:
    """The longest group of channels that are voltages; further groups (median beats) stay in the original.

    Other waveforms (pressure, sound) are refused as `waveform`.
    """
    groups = [_leads(dataset, number) for number in range(min(len(dataset.WaveformSequence), 8))]
    best = max(groups, key=lambda group: max((values.size / rate for _, values, rate in group), default=0))
    if not best:
        raise Unreadable("waveform")
    return best


def _leads(dataset: Dataset, number: int) -> list[Lead]:
    group = dataset.WaveformSequence[number]
    rate = float(group.SamplingFrequency)
    channels = list(group.ChannelDefinitionSequence)
    size = int(group.NumberOfWaveformSamples) * len(channels)
    if not 0 < size <= MAX_SAMPLES:
        raise Unreadable("too_big_to_decode" if size > 0 else "damaged")
    values = dataset.waveform_array(number)  # samples x channels, sensitivity and baseline applied
    return [
        (_label(channel, at), (values[:, at] * unit).astype(np.float32), rate)
        for at, channel in enumerate(channels)
        if (unit := _unit(channel)) is not None
    ]


def _unit(channel: Dataset) -> float | None:
    units = channel.get("ChannelSensitivityUnitsSequence")
    return VOLTS.get(str(units[0].get("CodeValue", ""))) if units else None


def _label(channel: Dataset, at: int) -> str:
    """ "V1" of "Lead V1"; the channel's own words, or its number."""
    source = channel.get("ChannelSourceSequence")
    said = str(channel.get("ChannelLabel") or (source[0].get("CodeMeaning", "") if source else ""))
    short = said.removeprefix("Lead ").split(" (")[0].strip()
    return short if short.isascii() and short else str(at + 1)
