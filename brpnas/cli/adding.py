"""Work and text of ``brpnas devices add``: from a device to its registered predictor.

The cells of `brpnas.cli.suggestions` are measured as by ``brpnas measure``, into the table of the
device in the project. The stage `retrain` of the project makes and registers the predictor.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from brpnas.atomic import atomic_path
from brpnas.cli import measuring, suggestions
from brpnas.cli.project import Project
from brpnas.cli.text import fields
from brpnas.devices import load_devices
from brpnas.devices.catalogue import check_device_name
from brpnas.errors import ConfigurationError, MeasurementError, TaskError
from brpnas.measure import Command, MeasureSettings, check_target
from brpnas.metrics import share_interval, spearman_interval
from brpnas.predictors.transfer.device import LEAST_ROWS
from brpnas.tables import table_files

__all__ = ["add", "check_free"]

_TABLES, _FILES = Path("01_raw/measured"), Path("01_raw/devices")
_PRIOR = Path("06_models/device_prior.safetensors")
_PAGES = Path("08_reporting/devices")


def add(  # noqa: PLR0913 - one argument per option
    name: str,
    settings: MeasureSettings,
    project: Project,
    *,
    cells: int = 20,
    test_cells: int = 30,
    target: str = "local",
    command: Command | None = None,
    seed: int = 0,
    drift_limit: float = 0.1,
    say: Callable[[str], None] = lambda text: None,
) -> str:
    """Measure suggested cells and random test cells of a device, adapt a predictor, register it.

    The same call resumes after an interruption: finished measurements are kept. More cells are
    added to those before.

    Args:
        name: Name of the device.
        settings: How to measure.
        project: The project.
        cells: Cells to learn from.
        test_cells: Random test cells; the predictor does not learn from them.
        target: Name of the target, see `brpnas.measure.open_target`.
        command: Command of the target ``command``.
        seed: Seed of the choice and order of cells.
        drift_limit: Largest drift of the reference network without a warning, a fraction.
        say: Called with each part of the progress, line ends included.

    Returns:
        Device, figures on the test rows, decision of the registry, and next commands.

    Raises:
        ConfigurationError: If the name or the target cannot be used, or the cells are too few.
        MeasurementError: If the device cannot be measured, or the name is taken.
        StoreError: If the name belongs to other settings or another machine.
        TaskError: If the stage `retrain` fails.
    """
    check_device_name(name)
    check_target(target, command)
    if cells < LEAST_ROWS:
        raise ConfigurationError(
            f"A predictor needs {LEAST_ROWS} cells to learn from, not {cells} (--cells)."
        )
    configured = project.settings
    table = configured.workspace / _TABLES / f"{name}.parquet"
    check_free(name, configured.workspace)
    own_prior = configured.workspace / _PRIOR
    say(f"Choosing {cells} cells to learn from and {test_cells} to test on\n")
    chosen = suggestions.suggest(
        cells,
        test=test_cells,
        prior=own_prior if own_prior.exists() else None,
        seed=seed,
        test_share=configured.test_share,
        space=configured.space,
    )
    say(f"Measuring {name} by the target {target}\n")
    table.parent.mkdir(parents=True, exist_ok=True)
    measured = measuring.measure(
        chosen["arch_id"].tolist(),
        settings,
        table,
        device=name,
        target=target,
        command=command,
        seed=seed,
        drift_limit=drift_limit,
    )
    say("Adapting and registering the predictor: kedro run --pipelines=retrain\n")
    _retrain(name, project, table, say)
    pages = configured.workspace / _PAGES / name
    figures = json.loads((pages / "metrics.json").read_text("utf-8"))
    decision = project.registry.promote_text(project.root, figures["model"], configured.env)
    with atomic_path(pages / "decision.txt") as partial:
        partial.write_text(f"{decision}\n", encoding="utf-8")
    env = "" if configured.env is None else f"--env={configured.env} "
    after = {
        "report": str(pages / "report.md"),
        "predict": f"brpnas predict {name} ARCH",
        "search": f"kedro run {env}--params=device={name}",
    }
    return "\n\n".join([measured, fields(_quality(figures)), decision, fields(after)])


def check_free(name: str, workspace: Path) -> None:
    """Check that the name of a device is free, or of a device that this command has measured.

    Args:
        name: Name of the device.
        workspace: Folder of the outputs of the project.

    Raises:
        MeasurementError: If it is the name of another device.
    """
    if name in load_devices():
        raise MeasurementError(
            f"A public device is named {name!r} in the catalogue of the package (`brpnas devices "
            f"{name}`): give this device another name."
        )
    table = workspace / _TABLES / f"{name}.parquet"
    taken = table_files(workspace / _FILES, meant=True).get(name)
    own = table_files(table.parent).get(name)
    if own == table and table.with_suffix(".jsonl").exists():
        own = None  # by this command
    if other := taken or own:
        raise MeasurementError(
            f"{other} is a table of {name!r} that this command has not measured. Give this device "
            "another name. To make a predictor from that table: kedro run --pipelines=retrain "
            f"--params=device={name}."
        )


def _retrain(name: str, project: Project, table: Path, say: Callable[[str], None]) -> None:
    """Run the stage `retrain`; its output is passed on, but for its error.

    Raises:
        TaskError: If it fails.
    """
    words = [sys.executable, "-m", "kedro", "run", "--pipelines=retrain", f"--params=device={name}"]
    process = subprocess.Popen(
        [*words, *([f"--env={project.settings.env}"] if project.settings.env else [])],
        cwd=project.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None
    error = ""
    try:
        for line in process.stdout:
            if error or line.startswith("Error: "):
                error += line
            else:
                say(line)
    except BaseException:
        process.terminate()
        raise
    finally:
        process.wait()
    if process.returncode:
        why = error.removeprefix("Error: ").strip() or f"exit code {process.returncode}."
        raise TaskError(
            f"The stage retrain failed: {why} The measurements are kept in {table}; the same "
            "command continues with them."
        )


def _quality(figures: Mapping[str, Any]) -> dict[str, str]:
    """Figures on the test rows, with 90 % intervals."""
    rows, found = figures["rows"], figures["challenger"]
    errors = figures["errors_left_out"]
    quality = {
        "learnt from": f"{rows['learn']} cells and {len(figures['known_devices'])} known devices; "
        f"{figures['method']}, mean error of log latency on rows left out "
        f"{errors[figures['method']]:.3f}",
        "test rows": f"{rows['test']}, not learnt from",
    }
    if not found:
        return quality
    order, within = found["spearman"], found["within_10"]
    if order is not None:
        low, high = spearman_interval(order, rows["test"])
        quality["Spearman"] = f"{order:.3f} (90 % interval {low:.3f} to {high:.3f})"
    low, high = share_interval(within, rows["test"])
    quality["within ±10 %"] = f"{within:.3f} (90 % interval {low:.3f} to {high:.3f})"
    quality["coverage"] = (
        f"{found['coverage']:.3f} of the test rows are inside their interval of "
        f"{100 * figures['coverage']:.0f} %"
    )
    return quality
