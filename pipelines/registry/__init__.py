"""The model registry: versions of predictors in MLflow, their aliases, and moving these.

Called by stages and commands. `register` adds a `Challenger` under that alias; `champion_of` loads
the predictor in use; `promote` makes the challenger ``champion`` if it wins; `rollback` reverts
this; `list_models` lists all. They use the store configured in MLflow, SQLite or a server.
`brpnas.promotion` decides, `brpnas.serving` predicts.
"""

from pipelines.registry.challenger import Challenger, accuracy_model_name, metric_model_name
from pipelines.registry.champion import champion_of
from pipelines.registry.licence import licence_text
from pipelines.registry.listing import list_models
from pipelines.registry.promotion import promote
from pipelines.registry.rollback import rollback
from pipelines.registry.store import register

__all__ = [
    "Challenger",
    "accuracy_model_name",
    "champion_of",
    "licence_text",
    "list_models",
    "metric_model_name",
    "promote",
    "register",
    "rollback",
]
