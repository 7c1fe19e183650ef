"""The intake of a device: a user's file of latencies, read or refused.

`read_device_table` returns an `Intake`, or raises `brpnas.errors.IntakeError` with one `Finding`
per problem: rows, likely cause and remedy. `intake_report` summarises an accepted file. Nothing
here writes.
"""

from brpnas.devices.intake.table import LEAST_ROWS, Intake, intake_report, read_device_table
from brpnas.tables import Finding

__all__ = ["LEAST_ROWS", "Finding", "Intake", "intake_report", "read_device_table"]
