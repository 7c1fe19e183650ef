"""The Kedro application: six stages that wire the library `brpnas` to files, DVC and MLflow.

One stage is one folder: `nodes` holds functions from data to data, `pipeline` only wires them to
names of the catalog. Reading and writing is done by `pipelines.datasets` alone, the typed
configuration is in `pipelines.config`, tracking in `pipelines.hooks`.
"""

from brpnas.telemetry import turn_off_telemetry
from pipelines.quiet import quieten

# Kedro imports this package before its plugins, and those import MLflow, which looks once.
turn_off_telemetry()

quieten()
