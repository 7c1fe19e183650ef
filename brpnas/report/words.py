"""The protocol in words: origin and meaning of the figures."""

from __future__ import annotations

import pandas as pd

from brpnas.report.data import EvaluationProtocol, ReportData, brp_settings
from brpnas.report.format import as_float, percent
from brpnas.report.plots.traces import known_curves

__all__ = ["protocol_sentences"]


def protocol_sentences(data: ReportData) -> list[str]:
    """State the protocol, one paragraph per topic; unknown facts are left out."""
    return [
        text
        for text in (
            _task(data),
            _latency(data),
            _search(data),
            _answer(data),
            _delivered(data),
            _curves(data),
        )
        if text
    ]


def _task(data: ReportData) -> str:
    said = {
        "The search space is": data.task.get("space"),
        "accuracy is on": data.task.get("dataset"),
        "latency is on": data.protocol.get("device"),
    }
    parts = [f"{label} {name}" for label, name in said.items() if name is not None]
    return _capital("; ".join(parts)) + "." if parts else ""


def _latency(data: ReportData) -> str:
    said = data.protocol
    text = ""
    rows = [_rows(data, split) for split in ("train", "valid", "test")]
    if "learnt_rows" in said:
        text = _adapted(data)
    elif None not in rows:
        train, valid, test = rows
        text = (
            f"The latency predictor was fitted on {train:,} measured architectures; {valid:,} "
            "others, the validation rows, decided when to stop"
        )
        text += f" and which view of the graph to use ({said['view']})" if "view" in said else ""
        text += (
            f". All its figures are on the remaining {test:,} test rows, which took no part in "
            "either. "
        )
    if "members" in said and "learnt_rows" not in said:
        text += (
            f"The predictor averages an ensemble of {said['members']}. "
            if said["members"] > 1
            else ""
        )
    if data.metrics:
        text += (
            "±10 % is the share of test rows whose predicted latency differs from the measured one "
            "by at most 10 % of the measured one, in milliseconds; MAPE is the mean of that "
            "relative error; ρ and τ are rank correlations. "
        )
    if "layerwise" in data.metrics:
        text += (
            "The layer-wise sum adds up the operations of a network as each was measured alone on "
            "the same device, and learns nothing; the other models are fitted to the training rows."
        )
    return text.strip()


def _adapted(data: ReportData) -> str:
    """Sentences on a predictor adapted from known devices."""
    said = data.protocol
    text = (
        f"The latency predictor was adapted from {said['known_devices']} known devices to "
        f"{said['learnt_rows']:,} measured architectures. "
    )
    scored = _rows(data, "test")
    text += (
        f"All its figures are on {scored:,} test rows, which took no part in that"
        if said["scored"] == "test"
        else f"Its figures are on {scored:,} measured rows, each predicted without itself"
        f"{_own_part(said)}, because there are few test rows or none"
    )
    low, high = said["spearman_interval"]
    text += f"; ρ of the whole space lies between {low:.2f} and {high:.2f} at 90 %. "
    return text + (f"{said['transfer']} " if said["transfer"] else "")


def _own_part(said: EvaluationProtocol) -> str:
    """What to add if the devices that taught the prior include the one it was adapted to."""
    if not said["prior_knows_device"]:
        return ""
    return " by a prior that learnt from earlier rows of this device"


def _rows(data: ReportData, split: str) -> int | None:
    if data.predictions is not None:
        return int((data.predictions["split"] == split).sum())
    said = data.protocol
    return {
        "train": said.get("train_rows"),
        "valid": said.get("valid_rows"),
        "test": said.get("test_rows"),
    }[split]


def _search(data: ReportData) -> str:
    task, asked = data.task, len(data.history)
    failed, stopped = ((data.history["status"] == s).sum() for s in ("failed", "stopped"))
    text = f"The search asked {asked:,} queries"
    budget = task.get("budget", {}).get("queries", asked)
    text += f" of a budget of {budget:,}" if budget != asked else ""
    # Second seeds of the leaders come after the rounds.
    rounds = data.history.drop_duplicates("arch_id")["round"].nunique()
    text += f" in {rounds} round{'s' * (rounds != 1)}"
    text += f" with the sampler {task['sampler']['name']}" if "sampler" in task else ""
    text += f" (seed {task['seed']})" if "seed" in task else ""
    text += f"; {failed} of them failed" if failed else ""
    text += (
        f"; {stopped} of their trainings were stopped early and could not be chosen"
        if stopped
        else ""
    )
    infeasible = _infeasible(data.history)
    text += (
        f"; {infeasible} of them, drawn at random at the start, did not satisfy the constraints "
        "and could not be chosen: the ranker learnt from them"
        if infeasible
        else ""
    )
    prior = brp_settings(task).get("flops_prior")
    text += (
        ". That networks with more multiply-adds tend to be more accurate is a prior of the "
        f"ranking, which weighs as much as {prior} answers"
        if prior
        else ""
    )
    text += (
        ". A query was answered by a surrogate, a model of published trainings that predicts the "
        "validation accuracy; no network was trained."
        if task.get("oracle", {}).get("name") == "surrogate"
        else f". A query reveals the validation {data.metric} of one training run; the search "
        "never sees test accuracy."
    )
    return text + (_limits(data) if data.constraints else "")


def _infeasible(history: pd.DataFrame, *, measured: bool = False) -> int:
    """Number of queried infeasible architectures, or of the measured among them."""
    if "feasible" not in history:
        return 0
    infeasible = ~history["feasible"].astype(bool)
    if measured:
        infeasible &= history["latency_ms"].notna() if "latency_ms" in history else False
    return int(infeasible.sum())


def _limits(data: ReportData) -> str:
    """In words, how the constraints were kept."""
    said = data.protocol
    confidence, measured = said.get("confidence"), said.get("measured", 0)
    sure = "" if confidence is None else f" with a confidence of {percent(confidence, 0)}"
    if measured:
        how = (
            "measured, with initialised weights"
            if "device" in said["sources"].values()
            else "looked up, where it had been measured"
        )
        refused = said["refused"] - _infeasible(data.history, measured=True)
        start = "Otherwise an" if _infeasible(data.history) else "An"
        return (
            f" {start} architecture was asked if predictions place it within the constraints"
            f"{sure}. One near a limit was {how}: {measured:,} were. {refused:,} did not satisfy "
            "the constraints and were left out for the next best."
        )
    whose = "Otherwise only" if _infeasible(data.history) else "Only"
    text = (
        f" {whose} architectures whose predicted figures satisfy the constraints{sure} were asked"
    )
    return f"{text}."


def _answer(data: ReportData) -> str:
    within = "within the constraints " if _infeasible(data.history) else ""
    text = _member(data) or (
        f"The winner is the queried architecture {within}that the ranker put first after it was "
        "trained on all answers: a single answer is noisy, and the best of many is a lucky one. "
        if brp_settings(data.task).get("choose_by") == "ranker"
        else f"The winner is the queried architecture {within}with the best validation "
        f"{data.metric}, the mean of its answers if it was asked more than once. "
    )
    if data.network is not None:
        return text.strip()
    if as_float(data.chosen.get("test_accuracy")) is None:
        return text + (
            "There is no test accuracy of it, so its validation accuracy is all there is to "
            "report: being the best of many, it is on the high side."
        )
    return text + (
        "It is scored by its test accuracy averaged over "
        "training seeds; its regret is how far that lies below the best such average there was to "
        "find under the constraints."
    )


def _member(data: ReportData) -> str:
    """The place of the winner on the front of a search with several objectives."""
    if data.front is None:
        return ""
    if data.chosen["arch_id"] == data.front_figures.get("knee"):
        return "The winner is the suggested knee of the front. "
    return "The winner is a member of the front that was chosen for the export. "


def _delivered(data: ReportData) -> str:
    """How the exported network was trained and scored."""
    if data.network is None:
        return "The exported network has initial weights; no accuracy on this page is of that file."
    trained = (
        "The architecture found was trained again before it was exported, with the same settings "
        "and seed, on training and validation images together."
        if data.network["training"]["final"]
        else "The exported network is the one that the search trained."
    )
    return (
        f"{trained} Its test scores were taken once, from the exported file, by ONNX Runtime with "
        "the preprocessing that the file states. Balanced accuracy is the mean recall over the "
        "classes, each counting alike."
    )


def _curves(data: ReportData) -> str:
    if data.traces is None:
        return ""
    seeds = data.traces.groupby("sampler")["seed"].nunique()
    low, high = int(seeds.min()), int(seeds.max())
    number = f"{low}" if low == high else f"{low} to {high}"
    text = "Search curves show one seed per sampler."
    if high > 1:
        text = (
            f"Search curves are means over {number} seeds per sampler; the band spans the middle "
            "half of the seeds, and ± in tables is the standard deviation over seeds."
        )
    if "best_single_seed_test_seen" in known_curves(data.traces):
        text += (
            " Published curves plot the best single-seed test accuracy seen so far; it can exceed "
            "the best mean of the benchmark, so it is reported apart."
        )
    return text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
