"""Any device: runtimes, links, kits, one command."""

from __future__ import annotations

from benchmarks.tables.markdown import Result, markdown, spread

__all__ = ["any_device", "runtimes", "timed_over"]


def any_device(result: Result) -> str:
    """Every target of the benchmark beside its figure."""
    rows = [
        [
            one["what"],
            f"{'≤' if one['at_most'] else '≥'} {one['target']:g}",
            "" if one["figure"] is None else f"{one['figure']:.4g}",
            {None: "not run", True: "yes", False: "**no**"}[one["holds"]],
        ]
        for one in result["targets"]
    ]
    return markdown(["", "target", "figure", "holds"], rows)


def runtimes(result: Result) -> str:
    """Each runtime: answers, prediction from few rows, repeat noise, int8."""
    devices = {name.split("-")[2]: found for name, found in result["predicted"].items()}
    rows = []
    for name, found in result["answers"].items():
        learnt, int8 = devices.get(name), result["int8"].get(name)
        again = learnt and learnt["again"]
        rows.append([
            f"`{name}`",
            f"{found['largest']:.1e} ({found['cells']} cells, {len(found['failed'])} failed)",
            spread(learnt["spearman"], 4) if learnt else "",
            spread(learnt["within_10"], 1, 100) if learnt else "",
            f"{learnt['most_similar']['spearman']:.3f}" if learnt else "",
            f"{again['spearman']:.4f}, {100 * again['median_difference']:.1f} %" if again else "",
            f"{100 * int8['accuracy_drop']:.2f}" if int8 else "",
        ])  # fmt: skip
    header = ["runtime", "largest difference from torch", "Spearman", "±10 %, %",
              "Spearman of the most similar known device",
              "measured twice: Spearman, difference", "int8: points lost"]  # fmt: skip
    return markdown(header, rows)


def timed_over(result: Result) -> str:
    """The same cells over SSH and here, and measured twice here."""
    ssh = result["ssh"]
    rows = [
        [
            name,
            f"{seconds:.0f}",
            f"{100 * found['median_difference']:.2f}",
            f"{100 * found['p90_difference']:.1f}",
            f"{found['spearman']:.4f}",
        ]
        for name, seconds, found in (
            ("over SSH", ssh["seconds"]["ssh"], ssh),
            ("here again", ssh["seconds"]["again"], ssh["local"]),
        )
    ]
    header = ["", "seconds", "median difference, %", "90 % of the differences below, %", "Spearman"]
    return markdown(header, rows)
