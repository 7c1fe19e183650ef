"""A new user's way, searches from nothing, notations, interruptions, containers."""

from __future__ import annotations

from benchmarks.tables.markdown import Result, markdown, percent, spread

__all__ = ["delivered_file", "images", "killed", "live", "notations", "road"]


def road(result: Result) -> str:
    """Each part of the way of a new user, and its figures."""
    pictures, sizes, board = result["pictures"], result["sizes"], result["board"]
    hostile, interrupts, cases = result["hostile"], result["interrupts"], result.get("cases")
    rows = [
        ["own pictures: files edited, commands, errors",
         f"{pictures['files_edited']}, {pictures['commands']}, {pictures['errors']}"],
        ["other sizes: kinds, refused, networks trained before",
         f"{sizes['kinds']}, {sizes['refused']}, {sizes['trainings']}"],
        ["ten rows of a board to a search: commands, errors",
         f"{board['commands']}, {board['errors']}"],
        ["first command interrupted; later commands that fail",
         f"{interrupts['interrupted']} ({interrupts['ended_before']} had ended by then); "
         f"{interrupts['later_failed']}"],
        ["hostile files; code run, tracebacks, over 2 GB or 60 s",
         f"{hostile['tried']}; {hostile['code_run']}, {hostile['tracebacks']}, "
         f"{hostile['too_large_or_slow']}"],
        *([["situations that failed before; passed", f"{cases['cases']}; {cases['passed']}"]]
          if cases else []),
    ]  # fmt: skip
    return markdown(["part", "figures"], rows)


def delivered_file(pictures: Result) -> str:
    """The report beside the delivered file."""
    scores = [percent(pictures[f"accuracy_{which}"]) for which in ("reported", "of_file")]
    rows = [
        ["test accuracy", *scores],
        ["latency, ms", f"{pictures['latency_reported_ms']:.4f}",
         f"{pictures['latency_of_file_ms']:.4f} (repeats differ by "
         f"{100 * pictures['repeat_noise']:.1f} %)"],
        ["size, bytes", f"{pictures['size_reported']:,}", f"{pictures['size_bytes']:,}"],
        ["precision", pictures["precision_reported"], ", ".join(pictures["precision"])],
    ]  # fmt: skip
    return markdown(["", "reported", "of the file"], rows)


def live(result: Result) -> str:
    """Searches from scratch, with measuring and training."""
    rows = [
        [
            str(number),
            f"{one['seconds']:.0f}",
            f"{100 * one['max_drift']:.0f}",
            f"{one['predicted_ms']:.4f}",
            f"{one['measured_ms']:.4f}",
            f"{100 * one['error']:.1f}",
            percent(one["test_accuracy"]),
        ]
        for number, one in enumerate(result["searches"])
    ]
    header = ["seed", "seconds", "drift, %", "predicted, ms", "measured, ms", "error, %",
              "test accuracy"]  # fmt: skip
    return markdown(header, rows)


def notations(result: Result) -> str:
    """Tables of tuples in the other notation: reported and refused."""
    rows = [
        [size, *(f"{100 * found[key]:.0f} %" for key in ("found", "refused", "false"))]
        for size, found in result["rows"].items()
    ]
    return markdown(["rows", "reported", "refused", "reported wrongly"], rows)


def killed(result: Result) -> str:
    """Jobs killed at random moments and resumed."""
    rows = [
        [name, *(str(found[key]) for key in ("kills", "jobs", "equal", "most_per_kill"))]
        for name, found in result["killed"].items()
    ]
    header = ["job", "`kill -9`", "jobs interrupted", "equal to an undisturbed job",
              "most tasks repeated per kill"]  # fmt: skip
    return markdown(header, rows)


def early(result: Result) -> str:
    """Epochs spent with early stopping, and the network found."""
    rows = []
    for limit, name in {"none": "none", "half": "multiply-adds", "all": "both"}.items():
        for rule, found in result["limits"].get(limit, {}).items():
            points, worse = "", ""
            if "difference" in found:
                points = spread(found["difference"], 2)
                worse = f"{found['p_worse']:.2g}"
            rows.append([name, rule, spread([100 * x for x in found["epochs"]], 1),
                         spread(found["test"], 2), points, worse])  # fmt: skip
    header = ["limit", "rule", "epochs, %", "test accuracy, %", "difference, points", "p lower"]
    return markdown(header, rows)


def cluster_clock(result: Result) -> str:
    """Searches in rounds and without, by a simulated clock."""
    clock = result["clock"]
    rows = [
        [name, spread(seconds, 2), spread(clock["utilisation"][name], 2),
         spread(clock["test_accuracy"][name], 2)]
        for name, seconds in clock["end_s"].items()
    ]  # fmt: skip
    return markdown(["search", "end, s", "workers busy, share", "test accuracy, %"], rows)


def cluster_disturbed(result: Result) -> str:
    """Searches without rounds whose workers or processes were killed."""
    workers, found = result["workers"], result["killed"]
    lost = 0 if found["equal"] == found["jobs"] and found["kept"] else "some"
    rows = [
        ["two Dask workers, one slowed to a half, the other killed", str(workers["kills"]),
         str(workers["lost"]), str(workers["done_twice"])],
        ["the search killed at random moments and resumed", str(found["kills"]), str(lost),
         f"at most {found['most_per_kill']} per kill"],
    ]  # fmt: skip
    return markdown(["disturbance", "`kill -9`", "answers lost", "trainings done twice"], rows)


def images(result: Result) -> str:
    """Size of the images."""
    sizes: dict[float, list[str]] = {}
    for name, size in result["size_gb"].items():
        sizes.setdefault(size, []).append(f"`{name}`")
    rows = [[", ".join(names), f"{size:.2f}"] for size, names in sorted(sizes.items())]
    return markdown(["images", "GB"], rows)
