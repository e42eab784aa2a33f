"""Splink (its DuckDB backend) on the same rows: comparisons, blocking and training as its documentation advises."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from bench.matching.measure import Said
from bench.matching.rows import Row

_DETAILS = ("born", "year", "sex", "postcode", "lines", "mother", "nhs")


def pairs(
    left: Sequence[Row], right: Sequence[Row] | None, *, expected: int, blocks: Sequence[tuple[str, ...]] = ()
) -> pd.DataFrame:
    """Return the pairs that Splink scores: unique_id_l, unique_id_r and match_weight.

    ``left``: the register; ``right``: the questions, or None to look for pairs within ``left``. ``expected``: about how
    many true pairs there are. A detail that no row has is left out.
    """
    frames = [pd.DataFrame(map(asdict, rows)) for rows in (left, right) if rows is not None]
    given = {name for name in _DETAILS if any(frame[name].notna().any() for frame in frames)}
    comparisons: list[Any] = [cl.ForenameSurnameComparison("given", "family")]
    if "born" in given:
        comparisons.append(cl.DateOfBirthComparison("born", input_is_string=True))
    if "year" in given:
        comparisons.append(cl.AbsoluteDifferenceAtThresholds("year", [1])) if hasattr(
            cl, "AbsoluteDifferenceAtThresholds"
        ) else comparisons.append(cl.ExactMatch("year"))
    for name, kind in (
        ("postcode", lambda c: cl.LevenshteinAtThresholds(c, 1)),
        ("lines", lambda c: cl.JaroWinklerAtThresholds(c, [0.92, 0.8])),
        ("mother", lambda c: cl.JaroWinklerAtThresholds(c, [0.92, 0.8])),
        ("nhs", cl.ExactMatch),
        ("sex", cl.ExactMatch),
    ):
        if name in given:
            comparisons.append(kind(name))
    if "year" in given and "born" in given and right is None:
        comparisons = [one for one in comparisons if getattr(one, "col_name", "") != "year"]
    wanted = blocks or (
        ("given", "family"), ("given", "born"), ("family", "born"), ("born", "postcode"), ("given", "postcode"),
        ("family", "postcode"), ("given", "year", "family"), ("nhs",), ("given", "lines"), ("year", "postcode"),
    )  # fmt: skip
    rules: list[Any] = [block_on(*columns) for columns in wanted if {*columns} <= given | {"given", "family"}]
    api = DuckDBAPI()
    tables = [api.register(frame, dataset_display_name=name) for frame, name in zip(frames, "lr", strict=False)]
    pairs_in_all = len(left) * (len(right) if right is not None else len(left) / 2)
    settings = SettingsCreator(
        link_type="link_only" if right is not None else "dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
        probability_two_random_records_match=expected / pairs_in_all,
        retain_matching_columns=False,
    )
    linker: Any = Linker(tables if right is not None else tables[0], settings, log_level=logging.ERROR)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6)
    for rule in (block_on("given", "family"), block_on("postcode") if "postcode" in given else block_on("born")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
    found: pd.DataFrame = linker.inference.predict(threshold_match_weight=-8).as_pandas_dataframe()
    return found


def answers(register: Sequence[Row], questions: Sequence[Row], truths: Sequence[int | None]) -> list[Said]:
    """Return Splink's best candidate for each question that has any."""
    known = sum(truth is not None for truth in truths)
    found = pairs(register, questions, expected=known)
    best = found.sort_values("match_weight", ascending=False).drop_duplicates("unique_id_r")
    weights = zip(best["unique_id_l"], best["unique_id_r"], best["match_weight"], strict=True)
    return [Said(float(weight), truths[int(asked)] == int(child)) for child, asked, weight in weights]
