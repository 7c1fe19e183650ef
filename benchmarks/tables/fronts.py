"""Searches for a front: share of the true hypervolume, by sampler and device."""

from __future__ import annotations

from benchmarks.tables.markdown import Result, markdown, spread

__all__ = ["front_cases", "front_devices"]


def front_cases(result: Result) -> str:
    """Shares over all devices, by data set, number of objectives and sampler."""
    rows = [
        [
            case["dataset"],
            f"{case['objectives']}",
            name,
            f"{100 * found['share']:.1f} / {100 * found['worst']:.1f}",
            f"{100 * found['space']:.1f} / {100 * found['worst_space']:.1f}",
            f"{100 * found['queried']:.1f} / {100 * found['worst_queried']:.1f}",
            f"{found['members']:.0f}",
            f"{found['measurements']:.0f}",
            f"{case['all'][f'ahead_of_{name}']} of {case['all']['devices']}"
            if f"ahead_of_{name}" in case["all"]
            else "",
        ]
        for case in result["cases"]
        for name, found in case["all"]["samplers"].items()
    ]
    header = ["data set", "objectives", "sampler", "share, %: mean / worst device"]
    header += ["over the space, %", "queried, %", "members", "measurements", "brp ahead, p < .01"]
    return markdown(header, rows)


def front_devices(case: Result) -> str:
    """Shares of a case by device, and the ceiling."""
    samplers = list(case["all"]["samplers"])
    rows = [
        [
            device.replace("+", " + "),
            *(spread(found["samplers"][name]["share"], 1, 100) for name in samplers),
            spread(found["ceiling"], 1, 100),
        ]
        for device, found in case["devices"].items()
    ]
    return markdown(["device", *samplers, "ceiling"], rows)
