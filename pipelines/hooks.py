"""Hooks around every run: they check the configuration and track the run.

kedro-mlflow starts and ends the MLflow run and logs the parameters. `TrackingHooks` adds tags for
the origin of the run, and logs data sets according to the ``metadata`` of their catalog entry::

    metadata: {mlflow: metrics}                              # numbers of a JSON file
    metadata: {mlflow: history, step: epoch, by: [member]}   # a table, one row per step and series
    metadata: {mlflow: history, step: query, prefix: front.} # the same, with a prefix of the names
    metadata: {mlflow: artifact}                             # the file itself

``mlflow`` may be a list of these.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from mlflow.tracking import MlflowClient

from brpnas.errors import BrpNasError, ConfigurationError
from pipelines import tracking
from pipelines.checks import check_inputs, check_parameters
from pipelines.config import Parameters, parse
from pipelines.explain import add_places, check_sources, locate
from pipelines.provenance import dvc_tags, git_tags, group_id
from pipelines.resolve import resolve

__all__ = ["ConfigurationHooks", "TrackingHooks"]

_log = logging.getLogger(__name__)


_RESULTS = {
    "network_onnx": "Network found",
    "deployed_network": "Network as deployed",
    "model_card": "Model card",
    "report": "Report",
}
"""Data sets for users, and their titles."""


class ConfigurationHooks:
    """Refuses a run with a wrong configuration or inputs before it writes anything.

    `pipelines.resolve` fills in null parameters used by the pipeline.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Validate all parameters with `pipelines.config`.

        Raises:
            ConfigurationError: If one is unknown, missing, or of the wrong type or range.
        """
        # On import, kedro-mlflow sets its level to INFO and ignores conf/logging.yml.
        logging.getLogger("kedro_mlflow").setLevel(logging.WARNING)
        loader = context.config_loader
        source = Path(str(loader.conf_source))
        environments = [e for e in (context.env or "local", "base") if (source / e).is_dir()]
        runtime = loader.runtime_params or {}
        check_sources(source, environments, runtime)
        self._parameters: Mapping[str, Any] = loader["parameters"]
        self._where = lambda key: locate(key, source, environments, runtime)
        parse(Parameters, self._parameters, self._where)

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol) -> None:
        """Check names and inputs, before kedro-mlflow starts a run: it would never end.

        Raises:
            BrpNasError: If a name is unknown, sizes contradict each other, or an input is missing.
        """
        try:
            parameters = self._parameters
            if left_open := {"params:network", "params:dataset"} & pipeline.inputs():
                parameters = resolve(parameters)
                for name in left_open:
                    catalog.save(name, parameters[name.removeprefix("params:")])
            check_parameters(pipeline, parameters, catalog)
            check_inputs(pipeline, catalog)
        except BrpNasError as error:
            add_places(error, self._parameters, self._where)
            raise

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Add the places of the parameters named in an error of a stage."""
        add_places(error, self._parameters, self._where)

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Log the next command after a measurement without training."""
        made = pipeline.all_outputs()
        if "measured_latency" not in made or "predictors" in made:
            return
        from pipelines.guide import after_measure  # noqa: PLC0415 - other runs do without

        device = catalog.load("measure_report")["device"]
        read = catalog.load("measured_latency")[device]
        table = read(space=self._parameters["space"])
        command = after_measure(
            device,
            table["arch_id"].tolist(),
            self._parameters,
            run_params.get("env"),
            run_params.get("runtime_params") or {},
        )
        if command is None:
            _log.info("%d rows are too few to train on: measure more cells.", len(table))
        else:
            _log.info("To train the predictor of %s:\n%s", device, command)


class TrackingHooks:
    """Adds origin and results to the run of kedro-mlflow."""

    def __init__(self) -> None:
        self._run_id: str | None = None
        self._entries: Mapping[str, Any] = {}

    @hook_impl
    def after_catalog_created(self, conf_catalog: dict[str, Any]) -> None:
        """Store the ``mlflow`` metadata of the catalog entries."""
        self._entries = conf_catalog

    @hook_impl(trylast=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Tag the new run of kedro-mlflow."""
        active = mlflow.active_run()
        self._run_id = active.info.run_id if active else None
        if self._run_id is None:
            return
        names = run_params.get("pipeline_names") or ["__default__"]
        stage = "+".join(names)
        root = Path(run_params["project_path"])
        tags = {"brpnas.group": group_id(run_params["run_id"]), "brpnas.stage": stage}
        mlflow.set_tags(tags | git_tags(root) | dvc_tags(root, stage))

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Log a data set according to its catalog entry.

        Raises:
            ConfigurationError: If the entry names an unknown form.
        """
        entry = self._entries.get(dataset_name, {})
        asked = entry.get("metadata", {}).get("mlflow", [])
        if self._run_id is None or not asked:
            return
        for kind in [asked] if isinstance(asked, str) else asked:
            self._log(dataset_name, data, kind, entry, self._run_id)

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline) -> None:
        """Log the paths of the results for users."""
        made = pipeline.all_outputs()
        for name, what in _RESULTS.items():
            if name in made and name in self._entries:
                _log.info("%s: %s", what, self._entries[name]["filepath"])

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Tag the run with the reason of its failure."""
        if self._run_id is not None:
            MlflowClient().set_tag(self._run_id, "brpnas.error", str(error)[:5000])

    def _log(self, name: str, data: Any, kind: str, entry: Mapping[str, Any], run_id: str) -> None:
        client = MlflowClient()
        match kind:
            case "metrics":
                tracking.log_metrics(client, run_id, tracking.metrics(data, name))
            case "history":
                about = entry["metadata"]
                rows = tracking.history(
                    data, about["step"], about.get("by", ()), about.get("prefix", "")
                )
                tracking.log_metrics(client, run_id, rows)
            case "artifact":
                path = Path(entry.get("filepath") or entry["path"])
                client.log_artifact(run_id, str(path))
            case _:
                raise ConfigurationError(
                    f"The catalog entry {name!r} asks in its metadata for mlflow: {kind!r}, which "
                    "is none of metrics, history, artifact."
                )
