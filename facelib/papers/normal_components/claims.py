"""What paper 2 says its tables show, each statement with the comparisons that decide it.

The statements are in our words; `source` says where the paper makes them. All metrics but one are rates.
Gains of 22.0, 10.9 and 15.8 percent are relative to the baseline's rate; in points they are 17.7, 8.9 and 13.4, and a
comparison of g times the baseline's rate decides them as printed.
"""

from __future__ import annotations

from facelib.papers.normal_components.methods import AXES
from facelib.papers.normal_components.metrics import APART, MERGED, MERGED_OF, METRICS, PEOPLE, TITLES
from facelib.papers.paper import Claim, Comparison

SHORT = {
    "baseline": "baseline",
    "expnet_cross_entropy": "ExpNet with cross-entropy",
    "expnet_lmcl": "ExpNet",
    "diffusion_cross_entropy": "diffusion with cross-entropy",
    "diffusion_lmcl": "diffusion",
    "expnet_joined": "ExpNet in one network",
    "diffusion_joined": "diffusion in one network",
    "truth": "true shapes",
    "from_scratch": "not pretrained",
    "depth": "depth",
    **{f"disturbed_{percent}": f"off by {percent / 100:g} sd" for percent in (25, 50, 100, 200)},
}
GAINS = {"bu3dfe": 0.220, "frgc": 0.109, "bosphorus": 0.158}  # of the baseline's rate, sections 1 and 3.2
SLACK = 0.5  # points that a printed gain may fall short by, as its rate is one of two rounded ones
CLOSE = 2.0  # points: what "stable" of the merged set is taken to mean
NO_LOSS = 3.0  # points that the truth may be ahead where reconstruction costs little


def more(method: str, than: str, metric: str, least: float = 0.0) -> Comparison:
    """The method's rate is higher."""
    margin = (
        f" by more than {least:g} points" if least > 0 else f" or less than {-least:g} points below" if least else ""
    )
    words = f"{SHORT[method]} above {SHORT[than]}{margin}, {METRICS[metric].phrase}"
    return Comparison(words, ((1.0, method, metric), (-1.0, than, metric)), least)


def higher(method: str, metric: str, than: str) -> Comparison:
    """One of the method's rates is higher than another."""
    words = f"{SHORT[method]}, {METRICS[metric].phrase} above {METRICS[than].phrase}"
    return Comparison(words, ((1.0, method, metric), (-1.0, method, than)))


def gain(name: str) -> Comparison:
    """The relative gain that is printed: the method's rate is at least (1 + gain) times the baseline's."""
    gain = GAINS[name]
    parts = ((1.0, "expnet_cross_entropy", name), (-(1 + gain), "baseline", name))
    words = f"ExpNet with cross-entropy gains {100 * gain:.1f} percent of the baseline's, {METRICS[name].phrase}"
    return Comparison(words, parts, -SLACK)


def merged_as_parts(method: str) -> Comparison:
    """The merged rate is near that of the same probes, each in the gallery of its own data set.

    Not near a mean of the parts' rates: its weights would be the probes of one tier, and resamples of parts and whole
    are of other people, so that the interval would be wider than what is called close.
    """
    words = f"{SHORT[method]}, merged within {CLOSE:g} points of its parts"
    return Comparison(words, ((1.0, method, MERGED), (-1.0, method, APART)), -CLOSE)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "fine_tuning_on_every_axis",
        "Fine-tuning on reconstructed faces raises the rate on every component and data set",
        "tables 1 to 3",
        tuple(more("expnet_cross_entropy", "baseline", f"{name}/{axis}") for name in MERGED_OF for axis in AXES),
    ),
    Claim(
        "fine_tuning_fused",
        "Fine-tuning raises the fused rate on BU-3DFE, FRGC v2 and Bosphorus",
        "tables 1 to 3",
        tuple(more("expnet_cross_entropy", "baseline", name) for name in MERGED_OF),
    ),
    Claim(
        "relative_gains",
        "The fused rate gains 22.0, 10.9 and 15.8 percent on BU-3DFE, FRGC v2 and Bosphorus",
        "section 1",
        tuple(gain(name) for name in GAINS),
        slip="the gains are relative to the baseline's rate, which the paper does not say; in points they are 17.7, "
        "8.9 and 13.4",
    ),
    Claim(
        "fusion_beats_each_axis",
        "Late fusion is better than each component alone, fine-tuned or not",
        "tables 1 to 3, section 2.4",
        tuple(
            higher(method, name, f"{name}/{axis}")
            for method in ("baseline", "expnet_cross_entropy")
            for name in MERGED_OF
            for axis in AXES
        ),
    ),
    Claim(
        "z_is_best_fine_tuned",
        "Of the fine-tuned components N_z is the best on BU-3DFE and FRGC v2",
        "tables 1 and 2",
        tuple(
            higher("expnet_cross_entropy", f"{name}/z", f"{name}/{axis}")
            for name in ("bu3dfe", "frgc")
            for axis in ("x", "y")
        ),
        slip="on Bosphorus N_y and N_z are printed as equal, and in the baseline N_y is best on FRGC v2 and Bosphorus",
    ),
    Claim(
        "margin_helps",
        "The large margin cosine loss is better than cross-entropy",
        "section 3.3, tables 1 to 6",
        tuple(more("expnet_lmcl", "expnet_cross_entropy", name) for name in MERGED_OF),
    ),
    Claim(
        "fidelity_helps",
        "The diffusion-based reconstructor gives higher rates than ExpNet on all four data sets",
        "section 3.2, tables 4 to 7",
        tuple(more("diffusion_lmcl", "expnet_lmcl", name) for name in TITLES),
        slip="the discussion says that only ExpNet was used for reconstruction, while section 3.2 and tables 4 to 7 "
        "report another one",
    ),
    Claim(
        "fidelity_is_higher",
        "The diffusion-based reconstructor is the more faithful one, in mm and by whom its shapes tell",
        "section 3.2",
        (
            Comparison(
                "diffusion below ExpNet, error of the reconstructed shape",
                ((1.0, "expnet_joined", "fidelity_mm"), (-1.0, "diffusion_joined", "fidelity_mm")),
            ),
            more("diffusion_joined", "expnet_joined", "fidelity_rank1"),
        ),
    ),
    Claim(
        "less_fidelity_less_recognition",
        "The farther true shapes are disturbed, the lower the rate",
        "section 3.2: higher fidelity helps",
        tuple(
            more(method, than, MERGED)
            for method, than in (("truth", "disturbed_100"), ("disturbed_50", "disturbed_200"))
        ),
    ),
    Claim(
        "merged_is_stable",
        "On the merged set of 671 people the rate is about that of its parts",
        "table 8, section 4",
        (merged_as_parts("expnet_lmcl"),),
    ),
    Claim(
        "no_scan_needed",
        "Faces reconstructed from photographs teach nearly as much as true shapes of the same people",
        "sections 3.3 and 6",
        tuple(more("expnet_joined", "truth", name, -NO_LOSS) for name in (*TITLES, MERGED)),
    ),
    Claim(
        "pretraining_helps",
        "Starting in a recogniser of photographs is better than starting fresh",
        "section 2.1",
        (more("expnet_joined", "from_scratch", MERGED),),
    ),
    Claim(
        "normals_help",
        "Normal components are better than the depth that they are taken of",
        "section 2.3",
        (more("expnet_joined", "depth", MERGED),),
    ),
    Claim(
        "photographs_tell_surfaces",
        "A recogniser of photographs alone tells normal components apart far better than chance",
        "tables 1 to 3",
        tuple(
            Comparison(
                f"baseline above {5 * 100 / PEOPLE[name]:.1f} percent, five times chance, {METRICS[name].phrase}",
                ((1.0, "baseline", name),),
                5 * 100 / PEOPLE[name],
            )
            for name in MERGED_OF
        ),
    ),
)
