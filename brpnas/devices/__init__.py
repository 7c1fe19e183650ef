"""Devices with latency tables.

`load_devices` lists a catalogue, `get_device` finds one device. `read_device_table` reads the
latencies of a user's device from a file; the device needs no entry in a catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brpnas.front_door import front_door

if TYPE_CHECKING:
    from brpnas.devices.catalogue import Device, get_device, load_devices
    from brpnas.devices.intake import Finding, Intake, intake_report, read_device_table

__all__ = [
    "Device",
    "Finding",
    "Intake",
    "get_device",
    "intake_report",
    "load_devices",
    "read_device_table",
]

__getattr__, __dir__ = front_door(__name__, __file__)
