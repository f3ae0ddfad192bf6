"""The bias of an unmeasured confounder: two or more levels, its prevalences stated in one of four ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.draw_bias import Bias, Parameter, PerLevel, field_of
from analysis.bias.methods.draw_standardization import STANDARDS, apply_confounding, highest_risks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.bias.distributions import Distribution
    from analysis.bias.methods.draw_cells import State
    from analysis.measures.methods.cells import Cells
    from analysis.values.arrays import FloatArray

__all__ = ["UnmeasuredConfounding"]

_LEVELLED = (
    "prevalence_exposed",
    "prevalence_control",
    "prevalence_ratio",
    "exposure_odds_ratio",
    "risk_ratio",
    "odds_ratio",
    "exposed_risk_ratio",
    "exposed_odds_ratio",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnmeasuredConfounding(Bias):
    """A confounder was not adjusted for.

    Parameters
    ----------
    prevalence_exposed, prevalence_control : Distribution, float, str or list of them, optional
        Of the confounder among the exposed and the controls; with `odds_ratio` among their non-cases. A list
        gives one entry a level beyond the reference (polytomous confounder); its parameters are called
        `prevalence_exposed[1]`, `prevalence_exposed[2]` and so on. Draws that sum to more than 1 are
        impossible.
    risk_ratio : Distribution, float, str or list of them, optional
        Of the outcome with the confounder to without it; for a hazard or rate ratio the ratio of hazards or
        rates. The same in both groups unless `exposed_risk_ratio` is given.
    odds_ratio : Distribution, float, str or list of them, optional
        In place of `risk_ratio`, for the measure "OR".
    exposed_risk_ratio, exposed_odds_ratio : Distribution, float, str or list of them, optional
        Among the exposed, where the confounder acts otherwise on them (effect modification); the former is
        then that among the controls.
    prevalence_ratio : Distribution, float, str or list of them, optional
        In place of `prevalence_exposed`: how many times as common the confounder is among the exposed.
    exposure_odds_ratio : Distribution, float, str or list of them, optional
        In place of `prevalence_exposed`: between confounder and exposure.
    prevalence, exposure_prevalence : Distribution, float or str, optional
        With `exposure_odds_ratio` in place of both prevalences: of a binary confounder and of the exposure in
        the whole population, from another study (external adjustment).
    correlations, source
        As for `ExposureMisclassification`.
    standard : {"exposed", "control", "total"}, default "exposed"
        Whose distribution of the confounder both groups are given. The same result for ratios of risks, rates
        and hazards unless the confounder's effect differs between the groups. With "exposed" the effect among
        the exposed moves the result of no measure but the odds ratio: what stands in its denominator are the
        controls' risks. "total" needs the sizes of the groups, and so cells.

    Raises
    ------
    ValueError
        If the prevalences are not given in one of these ways or not exactly one of the ratios is given, if
        numbers of levels differ, or a parameter breaks its rule; names every one.

    References
    ----------
    Bross IDJ (1966). Spurious effects from an extraneous variable. J Chronic Dis 19:637-647. (Citation not
    verified.)

    Schneeweiss S (2006). Sensitivity analysis and external adjustment for unmeasured confounders in
    epidemiologic database studies of therapeutics. Pharmacoepidemiol Drug Saf 15:291-303.
    DOI 10.1002/pds.1200
    """

    prevalence_exposed: PerLevel | None = None
    prevalence_control: PerLevel | None = None
    risk_ratio: PerLevel | None = None
    odds_ratio: PerLevel | None = None
    exposed_risk_ratio: PerLevel | None = None
    exposed_odds_ratio: PerLevel | None = None
    prevalence_ratio: PerLevel | None = None
    exposure_odds_ratio: PerLevel | None = None
    prevalence: Parameter | None = None
    exposure_prevalence: Parameter | None = None
    correlations: Sequence[tuple[str, str, float]] = ()
    source: str = "assumed"
    standard: str = "exposed"
    kind = "unmeasured confounding"
    groups = (
        (
            ("prevalence_exposed", "prevalence_control"),
            ("prevalence_control", "prevalence_ratio"),
            ("prevalence_control", "exposure_odds_ratio"),
            ("prevalence", "exposure_prevalence", "exposure_odds_ratio"),
        ),
        (("risk_ratio",), ("odds_ratio",)),
    )
    beside = {"exposed_risk_ratio": "risk_ratio", "exposed_odds_ratio": "odds_ratio"}  # noqa: RUF012
    ratios = (
        "risk_ratio",
        "odds_ratio",
        "exposed_risk_ratio",
        "exposed_odds_ratio",
        "prevalence_ratio",
        "exposure_odds_ratio",
    )
    levelled = _LEVELLED
    anchors = ("prevalence_control", "prevalence", "exposure_prevalence")
    options = {"standard": STANDARDS}  # noqa: RUF012

    @classmethod
    def _together(
        cls, parsed: Mapping[str, Distribution], chosen: Mapping[str, object]
    ) -> list[tuple[str, str]]:
        faults = super(UnmeasuredConfounding, cls)._together(parsed, chosen)
        fields = [field_of(name) for name in parsed]
        levels = {name: fields.count(name) for name in dict.fromkeys(fields) if name in cls.levelled}
        if len(set(levels.values())) > 1:
            counts = ", ".join(f"`{name}` has {count}" for name, count in levels.items())
            faults += [
                ("", f"every list must have one entry a level beyond the reference level, but {counts}")
            ]
        elif "prevalence" in parsed and max(levels.values()) > 1:
            text = (
                "`prevalence` must be left out for a confounder of several levels, but is "
                f"{parsed['prevalence']}; give `prevalence_control` and `exposure_odds_ratio`"
            )
            faults += [("prevalence", text)]
        for name in ("prevalence_exposed", "prevalence_control"):
            least = sum(kind.support[0] for key, kind in parsed.items() if field_of(key) == name)
            if least > 1 + 1e-12:
                text = (
                    f"`{name}` of all levels must be able to sum to at most 1 (the rest is the reference "
                    f"level), but sums to at least {least:g}"
                )
                faults += [(name, text)]
        share = parsed.get("exposure_prevalence")
        if share is not None and share.support in {(0.0, 0.0), (1.0, 1.0)}:
            text = f"`exposure_prevalence` must be above 0 and below 1, but is {share}"
            faults += [("exposure_prevalence", text)]
        return faults

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        apply_confounding(state, values, self.standard)

    def hint(self, cells: Cells, measure: str) -> str:
        """Say which risk would be above 1 with every parameter at its median."""
        medians = {name: np.asarray(kind.quantile(0.5)) for name, kind in self.parameters.items()}
        with np.errstate(divide="ignore", invalid="ignore"):
            risks = None if measure in {"IRR", "IRD"} else highest_risks(cells, medians)
        stated = ", ".join(f"`{name}` {kind}" for name, kind in self.parameters.items())
        for who, risk in zip(("exposed", "controls"), risks or (), strict=False):
            if (risk > 1).all():
                return (
                    f"A risk must be at most 1, but with {stated} at their medians the {who} at highest risk "
                    f"have one of {float(np.min(risk)):.4g}. Lower the ratio, or raise the prevalence among "
                    "them."
                )
        return ""

    def neutral(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return a ratio of 1 and, for each prevalence, the other one (0 where there is no other)."""
        ends = dict.fromkeys(values, 1.0)
        pairs = {"prevalence_exposed": "prevalence_control", "prevalence_control": "prevalence_exposed"}
        for name in values:
            field = field_of(name)
            if field in pairs:
                ends[name] = values.get(name.replace(field, pairs[field], 1), 0.0)
            elif field == "prevalence":
                ends[name] = 0.0
            elif field == "exposure_prevalence":
                ends[name] = values[name]
        return ends

    def complaint(self, measure: str, data: str) -> str | None:
        """Say why the data cannot be adjusted."""
        if self.odds_ratio is not None and measure != "OR":
            return f'needs `risk_ratio` for measure "{measure}", but got `odds_ratio`.'
        if data == "estimate":
            if self.risk_ratio is not None and measure == "OR":
                return "needs `odds_ratio` for odds ratios without cells, but got `risk_ratio`."
            if self.standard == "total":
                return (
                    'needs the cells for standard="total", but got effect sizes. Give a TwoByTwo or TwoRates.'
                )
        return super(UnmeasuredConfounding, self).complaint(measure, data)
