"""The typed configuration: one model per stage, and `Parameters` for all of them together.

All values are in ``conf/<environment>/parameters_<stage>.yml``: the models have no defaults, and an
unknown key is an error. Nodes get plain mappings and turn them into their model with `parse`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brpnas.errors import ConfigurationError
from brpnas.graphs import View
from pipelines.explain import explain

__all__ = [
    "BENCHMARK_SPACES",
    "AdaptationConfig",
    "BudgetConfig",
    "CommandConfig",
    "EvaluateConfig",
    "ExportConfig",
    "ImagesConfig",
    "IngestConfig",
    "LimitsConfig",
    "MeasureConfig",
    "NetworkSize",
    "NetworkTrainingConfig",
    "OracleConfig",
    "Parameters",
    "PretrainConfig",
    "PromoteConfig",
    "RankerConfig",
    "RetrainConfig",
    "SamplerConfig",
    "SamplerName",
    "SearchConfig",
    "SearchReportConfig",
    "TimingConfig",
    "TrainCandidatesConfig",
    "TrainConfig",
    "parse",
]

Count = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=1, le=4096)]
Natural = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Positive = Annotated[float, Field(gt=0)]
Confidence = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Backbone = Literal["gcn", "gin", "gat"]
Benchmark = Literal[
    "embedded",
    "measured",
    "devices",
    "trained",
    "nasbench201",
    "latbench",
    "help",
    "nasbench101",
    "nasbench301",
    "fbnet",
]
LimitSource = Literal["predicted", "table", "device"]
ChooseBy = Literal["ranker", "answers"]
SamplerName = Literal["brp", "evolution", "nsga2", "random"]
RuntimeName = Literal["onnxruntime", "openvino", "litert", "executorch", "ncnn", "torch"]
Precision = Literal["fp32", "fp16", "int8"]
M = TypeVar("M", bound=BaseModel)

BENCHMARK_SPACES: Mapping[str, str] = {
    "embedded": "nasbench201",
    "nasbench201": "nasbench201",
    "latbench": "nasbench201",
    "help": "nasbench201",
    "nasbench101": "nasbench101",
    "nasbench301": "darts",
    "fbnet": "fbnet",
}
"""Space of each published or shipped benchmark; a user's own benchmarks may have any space."""


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IngestConfig(_Config):
    """Benchmarks read by `ingest`, and the number of listed architectures."""

    benchmarks: Annotated[tuple[Benchmark, ...], Field(min_length=1)]
    sample: Natural | None
    """Random architectures in addition to the tables; null for the whole space."""
    seed: Seed
    """Seed of the random sample."""


class NetworkSize(_Config):
    """Size of every counted, measured, trained or exported network.

    Null is the published size of the space; with images, null input shape and classes are those of
    the images. `pipelines.resolve` fills in both before a pipeline starts: stages only see numbers.
    """

    channels: Count | None
    cells_per_stage: Count | None
    stages: Count | None
    input_shape: tuple[Count, Count, Count] | None
    """Channels, height and width of an image."""
    classes: Count | None


class ImagesConfig(_Config):
    """Images for the training of networks, and their split."""

    path: str | None
    """``digits``, or the path of a folder or file, from the root of the project; null for none."""
    size: Side | tuple[Side, Side] | None
    """Height and width, or one number for both, to resize and crop to; null for their own size."""
    label: str | None
    """Column of the labels in Parquet files with several label columns."""
    valid_share: Annotated[float, Field(gt=0, lt=1)] | None
    """Share of images; null for a share by their number, see `brpnas.candidates.ImageSource`."""
    test_share: Annotated[float, Field(gt=0, lt=1)] | None
    split_seed: Seed
    """Seed of the split."""


class _PredictorConfig(_Config):
    """Size and training of a predictor; see `brpnas.predictors.TrainingConfig`."""

    backbone: Backbone
    hidden: Count
    layers: Count
    dropout: Annotated[float, Field(ge=0, lt=1)]
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]


class _EnsembleConfig(_PredictorConfig):
    """Several such networks."""

    members: Count
    """Networks to average."""


class TrainConfig(_EnsembleConfig):
    """Training of the latency predictor of a device in `train`."""

    method: Literal["auto", "networks", "adapted"]
    """Networks trained on the rows of the device, or a predictor adapted from known devices as in
    `retrain`; ``auto`` adapts if there are too few rows for networks."""
    view: Literal["auto", "pruned", "raw"]
    """Graph encoding; ``auto`` lets the validation rows decide."""
    patience: Count
    """Training stops after this number of epochs without progress on the validation rows."""
    bound: Positive | None
    """Largest relative error of a hit; null to predict the median."""
    train_rows: Count
    valid_rows: Count
    seed: Seed
    workers: Count
    """Processes training networks at the same time, one thread each."""


class RankerConfig(_EnsembleConfig):
    """The pairwise ranker: it orders the architectures of a search."""

    view: View
    """Graph encoding of its inputs; unlike latency, accuracy does not depend on a device."""
    paths: bool
    """Whether to combine it with a Gaussian process on the paths of the cells."""


class BudgetConfig(_Config):
    """Queries of a search: how many, in how many rounds, and the reevaluations."""

    queries: Count
    """Queries in total, those of interrupted runs included."""
    rounds: Count
    """Rounds of the brp sampler, each with a training of its ranker."""
    reevaluations: Natural
    """Queries at the end for second seeds of the leaders."""


class LimitsConfig(_Config):
    """How a search keeps its limits; see `brpnas.search.Limits`."""

    source: LimitSource | dict[str, LimitSource]
    """Deciding values: predictions, tables, or measurements of proposals on the target of `timing`;
    of all limited metrics and costs, or by metric."""
    confidence: Confidence
    """Probability from which an architecture is clearly within the limits."""
    measurements: Natural
    """Architectures measured in the whole search, at most."""


class SamplerConfig(_Config):
    """The sampler; all keys except the name are of brp, see `brpnas.search.samplers.BRPSampler`."""

    name: SamplerName
    exploit_fraction: Share
    """Share of each round for the best-ranked; the rest is drawn at random."""
    candidates: Count | None
    """Random architectures of the whole space to rank each round; null to rank those of `ingest`,
    the same each round."""
    neighbours: Natural
    """Mutations of the three best answered, ranked beside these candidates."""
    flops_prior: Natural
    """Weight, in answers, of the prior: more multiply-adds are better."""
    infeasible_share: Share
    """Share of the budget, in whole rounds, for samples at the start regardless of constraints."""
    choose_by: ChooseBy
    """Final choice among the answered: by the ranker, or by the answers."""
    ranker: RankerConfig


class OracleConfig(_Config):
    """The oracle, and its answers."""

    name: Literal["table", "train", "file", "surrogate"]
    """Source of the answers: the accuracy table, a training on this machine or a cluster, a file,
    or the published surrogate of the space."""
    metric: Literal["accuracy", "balanced_accuracy"]
    """Validation score returned by a training oracle."""
    final_training: bool | Literal["auto"]
    """Whether to train the network found again on training and validation images before the export;
    ``auto``: with a training oracle."""


class SearchReportConfig(_Config):
    """Comparison after the search, for the report."""

    comparison_seeds: Natural
    """Seeds of the comparison of all samplers in the report; 0 for no comparison."""


class SearchConfig(_Config):
    """How `search` spends its budget."""

    budget: BudgetConfig
    parallel: Count | None
    """Evaluations in flight; null for rounds."""
    limits: LimitsConfig
    sampler: SamplerConfig
    oracle: OracleConfig
    early_stopping: bool
    """Whether a training stops that can hardly become one of the best; with a training oracle."""
    report: SearchReportConfig
    seed: Seed
    workers: Count


class EvaluateConfig(_Config):
    """Contents of the report of `evaluate`."""

    title: str
    plot_points: Count
    """Test rows in the scatter plot of `dvc plots`."""


class ExportConfig(_Config):
    """Settings of the files of `export`, and of the measurement of the network."""

    member: Count | str | None
    """Member of the front to export, by number or architecture; null for the choice of the
    search."""
    tolerance: Positive
    """Largest difference between ONNX Runtime and torch."""
    seed: Seed
    """Seed of the initial weights of the network, and of the choice of calibration images."""
    runtime: RuntimeName | None
    """Runtime of the delivered network file; null for that of the device, see
    `pipelines.deployment.deployed_runtime`."""
    precision: Precision
    """Number format of the delivered network file."""
    calibration_images: Count
    """Training images for the scales of int8."""
    max_accuracy_drop: Share
    """Largest test accuracy, a fraction, that the delivered file may lose against float32."""
    measure: bool
    """Whether to measure the delivered file, on the target of `timing`."""


class MeasureConfig(_Config):
    """Cells and device of `measure`."""

    device: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None
    """Name; null for a name from the properties of the device."""
    cells: Count | None
    """Random cells; null for all."""
    file: str | None
    """File of cells to choose from; null for the whole space."""
    seed: Seed
    reference_every: Count
    """Cells between two measurements of the reference network."""
    drift_limit: Positive
    """Drift of the reference network, a fraction, to warn of."""
    operations: bool
    """Whether to measure the operations alone as well, for the layer-wise baseline."""


class CommandConfig(_Config):
    """A command that times a network; see `brpnas.measure.Command`."""

    run: str
    latency: str
    push: str | None = None
    remove: str | None = None


class TimingConfig(_Config):
    """Runtime, protocol and machines for timing networks."""

    runtime: RuntimeName
    target: str
    """Where networks are timed: ``local``, ``ssh://user@host:port`` or ``command``."""
    command: CommandConfig | None
    provider: str | None
    """Execution provider, or torch device; null for the CPU."""
    precision: Precision
    threads: Count
    batch_size: Count
    warmup: Natural
    runs: Count
    repeats: Count
    scheduler: str | None
    """Address of a Dask scheduler; null for this machine."""


class _MoreSeedsConfig(_Config):
    """Cells trained with more seeds than the rest."""

    cells: Natural
    seeds: Count


class TrainCandidatesConfig(_Config):
    """Cells and seeds of `train_candidates`."""

    cells: Count | None
    """Random cells; null for one cell of every function."""
    file: str | None
    """File of cells to choose from; null for the whole space."""
    seed: Seed
    seeds: Count
    """Trainings of each cell."""
    more_seeds: _MoreSeedsConfig


class NetworkTrainingConfig(_Config):
    """Training of networks, see `brpnas.candidates.JobConfig`, and its machines."""

    epochs: Count
    batch_size: Count
    optimiser: Literal["sgd", "adamw"]
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    shift: Natural
    flip: bool
    drop_path: Annotated[float, Field(ge=0, lt=1)]
    auxiliary_weight: Annotated[float, Field(ge=0)]
    device: str
    mixed_precision: bool
    """Whether trainings on a GPU compute in bfloat16."""
    workers: Count
    scheduler: str | None
    """Address of a Dask scheduler; null for this machine."""
    resource: str | None
    """Resource of a Dask worker that a training needs; null for none."""
    send_images: bool
    """Whether the images are sent to each Dask worker once, instead of read from a shared path."""


class _GatesConfig(_Config):
    """Requirements for a predictor on its test rows; see `brpnas.promotion.Gates`."""

    min_spearman: Share | None
    min_within_10: Share | None
    """Share of rows within ±10 %."""
    min_test_rows: Count | None
    max_calibration_error: Share | None
    """Largest distance of the coverage of intervals, if any, from the nominal one."""


class PretrainConfig(_Config):
    """The prior learnt by `pretrain`; see `SharedNetworkConfig` of the library."""

    hidden: Count
    layers: Count
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    keep_tables: bool
    """Whether the prior keeps the measured latencies."""
    seed: Seed


class RetrainConfig(_Config):
    """Metric and rows of `retrain`, and its exported file."""

    metric: Literal["latency_ms", "energy_mj", "peak_memory_mib"]
    least_rows: Annotated[int, Field(ge=5)]
    unit_check: bool
    tolerance: Positive
    """Largest difference between ONNX Runtime and torch."""


class AdaptationConfig(_Config):
    """Adaptation of a predictor to a device; see `brpnas.predictors.transfer.AdaptConfig`."""

    coverage: Annotated[float, Field(gt=0, lt=1)]
    """Nominal coverage of an interval."""
    hyperparameter_deviation: Positive
    steps: Count
    tuning_rows: Count
    process_rows: Count
    network_rows: Count
    folds: Annotated[int, Field(ge=2)]
    network: _PredictorConfig
    seed: Seed
    workers: Count


class PromoteConfig(_Config):
    """Conditions for a challenger to become champion."""

    latency: _GatesConfig
    energy: _GatesConfig
    peak_memory: _GatesConfig
    accuracy: _GatesConfig
    coverage: Annotated[float, Field(gt=0, lt=1)]
    """Nominal coverage of intervals, unless the predictor states its own."""
    confidence: Annotated[float, Field(gt=0, lt=1)]
    """Confidence of the interval required on the challenger's side."""
    resamples: Count
    seed: Seed


class Parameters(_Config):
    """Every parameter of the project."""

    space: str
    """Search space: its name, or the path of a file; see `brpnas.spaces.get_space`."""
    network: NetworkSize
    images: ImagesConfig
    device: str
    test_share: Annotated[float, Field(ge=0, lt=1)]
    """Share of the cells that are always test rows; see `brpnas.datasets.held_out`."""
    dataset: str | None
    """Data set of the accuracies; null for the data set of the images."""
    constraints: tuple[str, ...]
    objectives: Annotated[tuple[str, ...], Field(min_length=1)]
    """Objectives of the search: ``accuracy``, and metrics of devices with a sign."""
    ingest: IngestConfig
    train: TrainConfig
    search: SearchConfig
    evaluate: EvaluateConfig
    export: ExportConfig
    measure: MeasureConfig
    timing: TimingConfig
    train_candidates: TrainCandidatesConfig
    network_training: NetworkTrainingConfig
    pretrain: PretrainConfig
    retrain: RetrainConfig
    adaptation: AdaptationConfig
    promote: PromoteConfig


def parse(
    model: type[M],
    values: Mapping[str, Any],
    where: Callable[[str], str] = lambda key: "in the parameters",
) -> M:
    """Turn plain values into their model.

    Args:
        model: One of the models above.
        values: Values of the YAML files and ``--params``.
        where: Returns the place to set a key, given its dotted path.

    Raises:
        ConfigurationError: If a key is unknown or missing, or a value has a wrong type or range.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigurationError(explain(error, model, where)) from None
