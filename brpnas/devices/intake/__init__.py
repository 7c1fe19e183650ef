"""The intake of a device: a file of latencies that its owner brings, read or refused.

`read_device_table` returns an `Intake`, or raises `brpnas.errors.IntakeError` with a report of
everything that is wrong: each `Finding` with its rows, the likely cause and the remedy.
`intake_report` tells what was accepted and flagged. Nothing here writes.
"""

from brpnas.devices.intake.table import LEAST_ROWS, Intake, intake_report, read_device_table
from brpnas.tables import Finding

__all__ = ["LEAST_ROWS", "Finding", "Intake", "intake_report", "read_device_table"]
