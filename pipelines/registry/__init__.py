"""The model registry: versions of predictors in MLflow, their aliases, and who may move them.

Not a stage: stages and commands call it. `register` puts a `Candidate` into the registry as
``challenger``; `champion_of` is the predictor in use; `promote` makes the challenger ``champion``
if it wins; `rollback` takes that back; `list_models` says what there is. All of them talk to the
store that MLflow is set to, be it SQLite or a server. What they decide is `brpnas.promotion`, what
answers is `brpnas.serving`.
"""

from pipelines.registry.candidate import Candidate, accuracy_model_name, latency_model_name
from pipelines.registry.champion import champion_of
from pipelines.registry.licence import licence_text
from pipelines.registry.listing import list_models
from pipelines.registry.promotion import promote
from pipelines.registry.rollback import rollback
from pipelines.registry.store import register

__all__ = [
    "Candidate",
    "accuracy_model_name",
    "champion_of",
    "latency_model_name",
    "licence_text",
    "list_models",
    "promote",
    "register",
    "rollback",
]
