"""Kedro's settings of the project."""

from omegaconf.resolvers import oc

from pipelines.environments import env_or
from pipelines.hooks import ConfigurationHooks, TrackingHooks
from pipelines.mlflow_store.hooks import StoreHooks
from pipelines.provenance import local_artifacts

# Kedro calls the later of two `tryfirst` hooks first: the configuration is checked before the store
# is opened.
HOOKS = (StoreHooks(), ConfigurationHooks(), TrackingHooks())

# The first would build every pipeline and send usage data. The second warns at each run of a single
# stage, and writes files for `kedro viz` only.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry", "kedro-viz")

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**", "**/mlflow*"]},
    "merge_strategy": {"parameters": "soft", "globals": "soft"},
    # Kedro drops `oc.env` outside credentials unless it is registered again.
    "custom_resolvers": {
        "oc.env": oc.env,
        "env_or": env_or,
        "local_artifacts": local_artifacts,
    },
}
