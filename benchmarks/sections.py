"""The tables of docs/results.md: one section for each claim of the paper, and for cost.

Each function turns the JSON object of one benchmark into Markdown. Accuracies of the JSON objects
are in percent already; shares are fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["SECTIONS", "Section", "markdown"]

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A claim, and the tables that speak to it: name of the benchmark and what renders it."""

    title: str
    claim: str
    tables: tuple[tuple[str, Callable[[Result], str]], ...]


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def spread(value: Sequence[float] | float | None, digits: int = 2, factor: float = 1.0) -> str:
    """Mean ± standard deviation, or a number alone, as where there is one seed."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{factor * value:.{digits}f}"
    mean, deviation = (factor * number for number in value[:2])
    return f"{mean:.{digits}f}" + (f" ± {deviation:.{digits}f}" if deviation else "")


def latency(result: Result) -> str:
    """Share within the bounds per device, ours beside the baselines."""
    names = {
        "gcn": "GCN",
        "edge_linear": "linear per edge",
        "flops": "FLOPs",
        "params": "parameters",
    }
    rows = [
        [
            device,
            label,
            spread(models[name]["within_10"], 1, 100),
            spread(models[name]["within_5"], 1, 100),
            spread(models[name]["spearman"], 4),
        ]
        for device, models in result["devices"].items()
        for name, label in names.items()
        if name in models
    ]
    return "LatBench: 900 cells to learn from, 100 to choose by, all others test rows.\n\n" + (
        markdown(["device", "model", "±10 %", "±5 %", "Spearman"], rows)
    )


def reference(result: Result) -> str:
    """The published recipe of the latency predictor on the same rows."""
    rows = [
        [
            device,
            *(spread(values[key], 1, 100) for key in ("within_10", "within_5")),
            spread(values["spearman"], 4),
            f"{values['fit_s'][0]:.0f}",
        ]
        for device, values in result["devices"].items()
    ]
    return (
        "The published recipe of the GCN, written again from the paper and its released settings, "
        "on the same rows.\n\n"
        + markdown(["device", "±10 %", "±5 %", "Spearman", "fit, s, one thread"], rows)
    )


def kendall(result: Result) -> str:
    """Tau of each ranker by space and number of training cells."""
    parts = [result.get("protocol", "")]
    for space, by_cells in result["tables"].items():
        kinds = list(dict.fromkeys(k for v in by_cells.values() for k in v if k != "ceiling"))
        rows = [
            [
                cells,
                *(spread(values.get(kind), 3) for kind in kinds),
                f"{values['ceiling']:.3f}" if values.get("ceiling") else "",
            ]
            for cells, values in by_cells.items()
        ]
        parts.append(f"Kendall's tau, {space}:\n\n" + markdown(
            ["training cells", *kinds, "ceiling"], rows))  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def training(result: Result) -> str:
    """Relation against unary regression by number of training cells."""
    by_size: dict[int, dict[str, Any]] = {}
    for row in result["training"]:
        by_size.setdefault(row["size"], {})[row["ranker"]] = row
    rows = [
        [f"{size:,}", *(
            f"{found[ranker]['tau']:.3f} / {found[ranker]['seconds']:.1f}"
            for ranker in ("relation", "unary")
        )]
        for size, found in by_size.items()
    ]  # fmt: skip
    return (
        "The same network trained on pairs and trained to predict the accuracy itself, "
        "NAS-Bench-201 CIFAR-10 (tau against the mean test accuracy of all other cells / seconds "
        "of the fit):\n\n" + markdown(["training cells", "binary relation", "unary"], rows)
    )


def queries(keep: Sequence[str]) -> Callable[[Result], str]:
    """Curves of some samplers, for each data set, with the ceilings."""

    def table(result: Result) -> str:
        parts = []
        for dataset, found in result["datasets"].items():
            samplers = {n: v for n, v in found["samplers"].items() if n in keep}
            marks = [m for m in next(iter(samplers.values())) if m.isdigit()]
            rows = [
                [
                    name,
                    *(
                        f"{values[m]['chosen'][0]:.2f} / {values[m]['seen'][0]:.2f} "
                        f"/ {values[m]['answers'][0]:.2f} ± {values[m]['chosen'][1]:.2f}"
                        for m in marks
                    ),
                    ", ".join(f"{m}: {p}" for m, p in found["p"].get(name, {}).items()),
                ]
                for name, values in samplers.items()
            ]
            limits = ", ".join(
                f"{name} {mean:.2f}" + (f" ± {deviation:.2f}" if deviation else "")
                for name, (mean, deviation) in found["ceilings"].items()
            )
            parts.append(
                f"{dataset}, test accuracy in percent after so many queries, chosen / best seen / "
                "what their own answers would choose ± deviation of the chosen:\n\n"
                + markdown(["sampler", *marks, "p that brp is better at"], rows)
                + f"\n\nCeilings: {limits}."
            )
        return "\n\n".join(parts)

    return table


def nb101(result: Result) -> str:
    """Ranks of the found cell."""
    rows = [
        [
            name,
            f"{sorted(ranks)[len(ranks) // 2]:g}",
            f"{100 * sum(rank <= 5 for rank in ranks) / len(ranks):.0f}",
            ", ".join(f"{rank:g}" for rank in sorted(ranks)),
        ]
        for name, ranks in result["ranks"].items()
    ]
    return (
        f"{result.get('protocol', '')} Rank of the cell found among the 20,001 after "
        f"{result['queries']} queries. {result.get('ceiling') or ''}\n\n"
        + markdown(["sampler", "median rank", "in the best 5, %", "all"], rows)
    )


def darts(result: Result) -> str:
    """Best surrogate accuracy by sampler, and who leads from where."""
    parts = []
    for surrogate, found in result["surrogates"].items():
        marks = [m for m in next(iter(found["samplers"].values())) if m.isdigit()]
        rows = [
            [name, *(spread(values[m], 3) for m in marks)]
            for name, values in found["samplers"].items()
        ]
        parts.append(
            f"DARTS, {surrogate} surrogate of NAS-Bench-301: best validation accuracy in percent "
            f"after so many queries (the best of 10,000 random: {found['random_10000']:.2f}; "
            f"Kendall's tau of a perfect predictor of graphs: {found['ceiling']:.2f}):\n\n"
            + markdown(["sampler", *marks], rows)
        )
        rows = [
            [
                f"{label} against {other}",
                f"{values['smallest_lead']:.3f}",
                f"{values['largest_p']:g}",
                str(values["significant_from"] or "never"),
                ", ".join(f"{m}: {p:g}" for m, p in values["p"].items()),
            ]
            for label, others in found["against"].items()
            for other, values in others.items()
        ]
        parts.append(
            markdown(
                [
                    "",
                    "smallest lead from query 21",
                    "largest p from query 21",
                    "significant (5 %) from query",
                    "p at",
                ],
                rows,
            )
        )
    return "\n\n".join(parts)


def constrained(result: Result) -> str:
    """Share within the limit and regret, by what the limit is held against, and per device."""
    rows = [
        [
            case["dataset"],
            _held_by(case),
            f"{case['all']['searches']}",
            f"{100 * case['all']['within']:.1f}",
            f"{100 * case['all']['worst_over']:.1f}",
            spread(case["all"]["regret"]),
            f"{case['all']['first_seed']:.2f}",
            spread(case["all"]["by_answers"]),
            f"{case['all']['unseen']:.2f}",
            f"{case['all']['measurements']:.0f} ({case['all']['refused']:.0f})"
            if case["limit_by"] == "measured"
            else f"{spread(case['all']['verified'])} after {case['all']['measured']:.1f}",
            f"{case['all']['latency']:.2f}",
            f"{case['all']['noise']:.2f}",
        ]
        for case in result["cases"]
    ]
    head = ["data set", "limit held against", "searches", "truly within, %", "furthest over, %",
            "regret, points", "first seed", "by answers", "unseen", "measured", "latency",
            "noise"]  # fmt: skip
    parts = [
        f"Searches of {result['budget']} queries on 12 devices (the two desktop files count "
        "once), limits at the 25, 50 and 75 % quantile of the device's latency. Held against the "
        "*measurement*: what is about to be asked is measured first, so that all chosen are within "
        "the limit by construction (the true latency is that measurement); under *measured* how "
        "many were, and in brackets how many of them were refused, beside the 1,000 that the "
        "predictor is fitted to. Held against the *prediction*, with the confidence of its margin "
        "from the errors on validation rows; under *measured* the regret if the leaders are "
        "measured afterwards, best first, until one is within the limit, and how many that takes. "
        "The regret is that of the one that the ranker puts first; *first seed*, of the seed that "
        "all rows have in common, to compare them by; *by answers*, of the one with "
        "the best answer; *unseen*, of the best that was asked. "
        "What limits the regret: *latency*, the regret of the truly best of the cells that were "
        "open to the search; *noise*, of who knew every latency and chose by one seed's "
        "validation. "
        f"{sum(result['implausible'].values()):,} latencies are less than half of what predictors "
        f"say, on {sum(map(bool, result['implausible'].values()))} devices, "
        "of {} cells, {} of them on more than one of these".format(*result["implausible_cells"])
        + ", and most likely of another network ([data.md](data.md#traps)); they count as any "
        "other.",
        markdown(head, rows),
    ]
    best = result["cases"][0]
    rows = [
        [
            device,
            *(
                f"{100 * v['within']:.0f} / {v['regret'][0]:.2f} / {v['unseen']:.2f} / "
                f"{v['latency']:.2f} / {v['noise']:.2f}"
                for v in limits.values()
            ),
        ]
        for device, limits in best["devices"].items()
    ]
    limits = list(next(iter(best["devices"].values())))
    parts.append(
        f"{best['dataset']}, {_held_by(best)}: truly within, % / regret / unseen / latency / "
        "noise.\n\n" + markdown(["device", *limits], rows)
    )
    rows = [
        [
            f"{row['confidence']:.0%}" if row["confidence"] else "no margin",
            f"{row['points']:.2f}",
            f"{row['plausible']:.2f}",
            f"{100 * row['over']:.1f}",
        ]
        for row in result["out_of_reach"]
    ]
    parts.append(
        "What a limit held against the prediction puts out of reach of any search: regret in "
        "points of the truly best cell that may be asked, over all devices, limits and seeds "
        "(cifar10); the same if latencies that hardly can be true are not counted among the best; "
        "and how many of the ten best that may be asked are truly over the limit.\n\n"
        + markdown(
            ["margin", "out of reach, points", "without these latencies", "over the limit, %"], rows
        )
    )
    return "\n\n".join(parts)


def _held_by(case: Result) -> str:
    if case["limit_by"] == "measured":
        return "measurement"
    margin = f"margin of {case['confidence']:.0%}" if case["confidence"] else "no margin"
    return f"prediction, {margin}"


def speed(result: Result) -> str:
    """Seconds of our steps, and the published recipe."""
    rows = [
        [name, f"{median:.3f}", f"{low:.3f} to {high:.3f}"]
        for name, (low, median, high) in result["seconds"].items()
    ]
    published = result["published"]
    said = (
        f"The published recipe on the same machine: {published['pair_ms']:.1f} ms a training pair, "
        f"{published['comparison_ms']:.1f} ms a comparison, so a search of 100 queries in 5 rounds "
        f"takes {published['search_s'] / 3600:.1f} h, {published['times_slower']:,} times ours."
    )
    if "lenient_search_s" in published:
        said += (
            f" Counted as leniently as can be (pairs in batches of 64, embeddings computed once, "
            f"only the head asked for each comparison) it takes "
            f"{published['lenient_search_s'] / 3600:.2f} h, "
            f"{published['lenient_times_slower']:,} times ours."
        )
    said += f" From 8 cells its tau is {published['tau']}, ours {published['tau_ours']}."
    parts = [markdown(["step", "median, s", "range"], rows), said]
    if "start" in result:
        parts.append(start(result["start"]))
    return "\n\n".join(parts)


def start(result: Result) -> str:
    """Seconds until the first node of a run, or the end of a command."""
    rows = [
        [kind, f"`{name}`" if name != "bare" else "bare Kedro", f"{clock:.2f}", f"{processor:.2f}"]
        + [_ratio(result["ratios"][kind].get(f"{name} / {o}")) for o in ("bare", f"{name}, before")]
        for kind, seconds in result["seconds"].items()
        for name, (clock, processor) in seconds.items()
        if not name.endswith("before")
    ]
    header = ["", "command", "clock, s", "processor, s", "against bare Kedro", "against before"]
    return (
        "From the start of a command to the first node, or to the end of `--help`; *cold* with an "
        f"empty page cache; ratios of clock / processor; *before* is {result['before']}.\n\n"
    ) + markdown(header, rows)


def _ratio(pair: Sequence[float] | None) -> str:
    return "" if pair is None else f"{pair[0]:.2f} / {pair[1]:.2f}"


def scale(result: Result) -> str:
    """Seconds and memory by size."""
    parts = [
        "![Seconds and memory against size](images/scale.svg)",
        f"An idle process with all imports holds {result['idle'][0]['peak_mb']:.0f} MiB.",
    ]
    heads = {
        "ranking": ("cells ranked", ["size", "threads"]),
        "training": ("training cells", ["size", "ranker"]),
        "devices": ("known devices", ["size"]),
    }
    for name, (head, keys) in heads.items():
        rows = [
            [
                *(f"{row[key]:,}" if key == "size" else str(row[key]) for key in keys),
                f"{row['seconds']:.2f}",
                f"{row['slowest']:.2f}",
                f"{row['peak_mb']:,}",
            ]
            for row in result[name]
        ]
        parts.append(markdown([head, *keys[1:], "seconds", "slowest", "peak, MiB"], rows))
    rows = [
        [row["part"], str(row["workers"]), f"{row['seconds']:.1f}", f"{row['speed_up']:.2f}",
         f"{row['efficiency']:.2f}"]
        for row in result["workers"]
    ]  # fmt: skip
    parts.append(markdown(["work", "processes", "seconds", "speed-up", "efficiency"], rows))
    return "\n\n".join(parts)


def road(result: Result) -> str:
    """Each part of the road of a new user, and what it came to."""
    pictures, sizes, board = result["pictures"], result["sizes"], result["board"]
    hostile, interrupts, cases = result["hostile"], result["interrupts"], result.get("cases")
    noise = f"repeats differ by {100 * pictures['repeat_noise']:.1f} %"
    scores = [percent(pictures[f"accuracy_{which}"]) for which in ("reported", "of_file")]
    file = [
        ["test accuracy", *scores],
        ["latency, ms", f"{pictures['latency_reported_ms']:.4f}",
         f"{pictures['latency_of_file_ms']:.4f} ({noise})"],
        ["size, bytes", f"{pictures['size_reported']:,}", f"{pictures['size_bytes']:,}"],
        ["precision", pictures["precision_reported"], ", ".join(pictures["precision"])],
    ]  # fmt: skip
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
    return (
        markdown(["part", "figures"], rows)
        + "\n\nThe delivered network file, judged by its own metadata:\n\n"
        + markdown(["", "reported", "of the file"], file)
    )


def percent(share: float) -> str:
    """A fraction in percent."""
    return f"{100 * share:.2f} %"


SECTIONS = (
    Section(
        "Latency: a GCN against FLOPs and layers",
        "The paper's first claim: a GCN on the graph predicts latency better than counts of "
        "operations or sums over layers.",
        (("latency", latency), ("reference", reference)),
    ),
    Section(
        "Binary relation against unary predictors",
        "The second: predicting which of two is better needs fewer trained cells than predicting "
        "how good each is.",
        (
            ("kendall", kendall),
            ("scale", training),
            ("queries", queries(["brp", "brp, relation alone", "unary"])),
        ),
    ),
    Section(
        "Iterative selection against a random training set",
        "The third: choosing what to train by the predictor beats choosing at random. *Rounds*: "
        "how often; *no prior*: the first round at random, no prior on multiply-adds; *random "
        "training set*: half of the budget at random, one ranking, no prior either.",
        (
            (
                "queries",
                queries(["brp", "brp, no prior", "brp, 5 rounds", "brp, random training set"]),
            ),
        ),
    ),
    Section(
        "Search against baselines",
        "Random search and regularised evolution under the same rules; *repeats*: queries spent on "
        "second seeds of the leaders.",
        (
            (
                "queries",
                queries(["brp", "evolution", "random", "brp, 10 repeats"]),
            ),
            ("nb101", nb101),
            ("darts", darts),
        ),
    ),
    Section(
        "Search under a latency limit",
        "The task the paper is about: the most accurate network within a limit on a device.",
        (("constrained", constrained),),
    ),
    Section(
        "Speed against the published recipe",
        "Same task, same budget, same machine.",
        (("speed", speed),),
    ),
    Section(
        "The road of a new user",
        "Own pictures, an own board, interruptions and hostile files, in fresh copies.",
        (("road", road),),
    ),
    Section("Cost against size", "Every line is of a fresh process.", (("scale", scale),)),
)
"""Sections in the order of the page."""
