"""The Kedro application: stages connect the library `brpnas` to files, DVC and MLflow.

Each stage is one folder: `nodes` holds functions from data to data, `pipeline` connects them to
names of the catalog. Only `pipelines.datasets` reads and writes files; `pipelines.config` holds the
typed configuration, `pipelines.hooks` the tracking.
"""

from brpnas.garbage import collect_rarely
from brpnas.telemetry import turn_off_telemetry
from pipelines.quiet import quieten

# Kedro imports this package before its plugins; they import MLflow, and it reads this once.
turn_off_telemetry()
collect_rarely()
quieten()
