"""Settings that Kedro reads when it loads the project."""

from omegaconf.resolvers import oc

from pipelines.hooks import ConfigurationHooks, TrackingHooks
from pipelines.provenance import local_artifacts

HOOKS = (ConfigurationHooks(), TrackingHooks())

# It would build every pipeline, and send usage data.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry",)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft", "globals": "soft"},
    # Kedro drops `oc.env` outside credentials unless it is registered again.
    "custom_resolvers": {"oc.env": oc.env, "local_artifacts": local_artifacts},
}
