"""The architecture to export: the choice of the search, or another member of the front."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brpnas.errors import OracleError, SchemaError
from pipelines.config import ExportConfig, ImagesConfig, NetworkTrainingConfig, OracleConfig, parse
from pipelines.deployment import trains_networks
from pipelines.members import member_number
from pipelines.network import network_config
from pipelines.training import TrainingTask, delivered_network, train_oracle

__all__ = ["exported_architecture", "trained_network"]


def exported_architecture(
    search_result: Mapping[str, Any], params: Mapping[str, Any]
) -> dict[str, Any]:
    """The result of the search, with the figures of the architecture to export.

    Returns:
        The result with ``chosen``, ``known``, ``held_out``, ``latencies`` and ``seed`` of this
        architecture. ``member`` is its number if it is not the choice of the search, else null.
        Then ``regret`` is null: it is a figure of the choice.

    Raises:
        ConfigurationError: If the front has no member of the number of `export.member`.
        UnknownNameError: If the architecture of `export.member` is not on the front.
    """
    found = {**search_result, "member": None}
    named = parse(ExportConfig, params).member
    if named is None:
        return found
    number = member_number(search_result, named)
    figures = search_result["members"][number - 1]
    if figures["chosen"]["arch_id"] == search_result["chosen"]["arch_id"]:
        return found
    held_out = {**search_result["held_out"], **figures["held_out"], "regret": None}
    return {**found, **figures, "held_out": held_out, "member": number}


def trained_network(
    exported: Mapping[str, Any],
    winner_network: bytes,
    store: Path,
    training: Mapping[str, Any],
    images: Mapping[str, Any],
    network: Mapping[str, Any],
) -> bytes:
    """The trained network of the architecture to export; empty if the search trains none.

    A member of the front is delivered like the choice of the search: after its final training, if
    configured.

    Args:
        exported: The architecture, see `exported_architecture`.
        winner_network: The trained network of the choice of the search.
        store: Folder of the search's files, with its trained networks.
        training: Parameters of `network_training`.
        images: Images of the training.
        network: Size of the network.

    Raises:
        SchemaError: If the search has trained no such network with these parameters.
        TrainingError: If the final training fails.
    """
    task, arch_id = exported["task"], exported["chosen"]["arch_id"]
    if exported["member"] is None or not trains_networks(task):
        return winner_network
    oracle = parse(OracleConfig, task["oracle"])
    of = TrainingTask(task["space"], task["dataset"], network_config(network), oracle.metric)
    settings = parse(NetworkTrainingConfig, training), store
    with train_oracle(of, parse(ImagesConfig, images), *settings) as trainer:
        try:
            return delivered_network(trainer, arch_id, exported["seed"], oracle)
        except OracleError as error:
            raise SchemaError(
                f"The trained network of {arch_id}, member {exported['member']} of the front, is "
                f"not in {trainer.folder}. Set images, network and network_training as they were "
                "in the search, or search again: what is trained is kept."
            ) from error
