"""Searches under a latency limit: compliance and regret, by source of the latency."""

from __future__ import annotations

from benchmarks.tables.markdown import Result, markdown, spread

__all__ = ["by_limit", "cases", "per_device", "regrets", "ruled_out"]


def cases(result: Result) -> str:
    """Share within the limit and regret, by data set and way to keep the limit."""
    rows = [
        [
            case["dataset"],
            _compared_with(case),
            f"{case['all']['searches']}",
            f"{100 * case['all']['within']:.1f}",
            f"{100 * max(0.0, case['all']['worst_over']):.1f}",
            spread(case["all"]["regret"]),
            f"{case['all']['noise']:.2f}",
        ]
        for case in result["cases"]
    ]
    header = ["data set", "limit compared with", "searches", "truly within, %"]
    return markdown([*header, "furthest over, %", "regret, points", "noise"], rows)


def regrets(result: Result) -> str:
    """Other regrets of the same searches, and their measurements."""
    rows = [
        [
            case["dataset"],
            _compared_with(case),
            f"{case['all']['first_seed']:.2f}",
            spread(case["all"]["by_answers"]),
            f"{case['all']['unseen']:.2f}",
            f"{case['all']['latency']:.2f}",
            f"{case['all']['measurements']:.0f} ({case['all']['refused']:.0f})"
            if case["limit_by"] == "measured"
            else f"{spread(case['all']['verified'])} after {case['all']['measured']:.1f}",
        ]
        for case in result["cases"]
    ]
    header = ["data set", "limit compared with", "seed 0", "by answers", "best seen"]
    return markdown([*header, "latency", "measured"], rows)


def by_limit(case: Result) -> str:
    """Mean regret over the devices at each limit."""
    devices = list(case["devices"].values())
    means = {name: sum(v[name]["regret"][0] for v in devices) / len(devices) for name in devices[0]}
    return ", ".join(f"{name} {mean:.2f}" for name, mean in means.items())


def per_device(case: Result) -> str:
    """Regret and its reasons by device and limit."""
    limits = list(next(iter(case["devices"].values())))
    rows = [
        [
            device,
            *(
                f"{v['regret'][0]:.2f} / {v['unseen']:.2f} / {v['latency']:.2f} / {v['noise']:.2f}"
                for v in found.values()
            ),
        ]
        for device, found in case["devices"].items()
    ]
    return markdown(["device", *limits], rows)


def ruled_out(result: Result) -> str:
    """Points that a predicted limit rules out, by confidence."""
    rows = [
        [
            f"{row['confidence']:.0%}",
            f"{row['points']:.2f}",
            f"{row['plausible']:.2f}",
            f"{100 * row['over']:.1f}",
        ]
        for row in result["out_of_reach"]
    ]
    header = [
        "confidence",
        "ruled out, points",
        "without implausible latencies",
        "over the limit, %",
    ]
    return markdown(header, rows)


def _compared_with(case: Result) -> str:
    if case["limit_by"] == "measured":
        return "measurement"
    two = ", two devices" if case["limit_by"] == "predicted on two devices" else ""
    return f"prediction, confidence {case['confidence']:.0%}{two}"
