"""Share of subjects with any event and with each frequent term and class, by arm, and each arm's difference."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from replicator.evaluation.distances import Floats, count_matrix
from replicator.evaluation.endpoints.arms import Arms
from replicator.evaluation.endpoints.endpoint import Compared, EndpointKind, kept_pairs, not_few
from replicator.evaluation.endpoints.estimates import Estimates, share_differences, share_estimates
from replicator.evaluation.occurrences import CLASSES, TERMS, frequent_terms, occurrence_datasets
from replicator.evaluation.sharing import FEWEST_SHARED
from replicator.evaluation.stack import Origin, Stack

SHARE = 0.05  # of the source's subjects, for a term to be looked at
MOST_TERMS = 40
ANY = "any"
_EXPOSURE = ("EX", "EC")  # the treatments themselves, which the arm tells


def incidences(stack: Stack, arms: Arms) -> tuple[Compared, ...]:
    """Compare who has any row, each frequent term and each frequent class of events and interventions other than exposure."""
    names = (name for name in occurrence_datasets(stack) if stack.view.dataset(name).domain not in _EXPOSURE)
    found = (_dataset(stack, arms, name) for name in names)
    return tuple(one for one in found if one is not None)


def compare_shares_by_arm(
    kind: EndpointKind, dataset: str, names: list[str], time: str, counts: list[Floats], sizes: list[Floats], arms: Arms
) -> Compared:
    """Compare shares of subjects.

    Parameters
    ----------
    names : list of str
        (n_cells,).
    counts, sizes : two of (n_arms, n_cells) float64
        Subjects of source and sample who have it, and of whom.
    """
    kept = sizes[0] >= FEWEST_SHARED
    (cells, of), (compared, other) = kept_pairs(kept, arms.control)
    control = np.full_like(other, arms.control)
    shares = [count / np.maximum(size, 1.0) for count, size in zip(counts, sizes, strict=True)]
    behind = [sizes[0], sizes[1], np.where(sizes[1] > 0, sizes[0], 0.0)]
    estimates = []
    for share, size in zip([*shares, shares[1]], behind, strict=True):
        one, two, reference = (
            share_estimates(share[arm, cell], size[arm, cell])
            for arm, cell in ((of, cells), (other, compared), (control, compared))
        )
        estimates.append(Estimates.join([one, share_differences(two, reference)]))
    shown = not_few(counts[0], sizes[0])
    return Compared(
        kind,
        dataset,
        [names[i] for i in np.append(cells, compared).tolist()],
        [time] * (len(cells) + len(compared)),
        [arms.names[i] for i in np.append(of, other).tolist()],
        [""] * len(cells) + [arms.names[arms.control] if len(other) else ""] * len(compared),
        estimates,
        np.append(shown[of, cells], shown[other, compared] & shown[control, compared]),
    )


def _dataset(stack: Stack, arms: Arms, name: str) -> Compared | None:
    subject, n = stack.view.subject(name), len(stack.origin)
    having = [count_matrix(subject, np.zeros(len(subject), np.int64), n, 1).sign()]
    names = [f"{name} {ANY}"]
    for suffixes in (TERMS, CLASSES):
        terms = frequent_terms(stack, name, suffixes, SHARE, MOST_TERMS)
        if terms is not None and terms.names:
            new = [i for i, term in enumerate(terms.names) if term not in names]  # a class may have the name of a term
            having.append(terms.rows.sign().tocsc()[:, new].tocsr())
            names += [terms.names[i] for i in new]
    matrix = sparse.hstack(having).tocsr()
    masks = [
        (arms.of_subject == np.arange(len(arms.names))[:, None]) & (stack.origin == origin)
        for origin in (Origin.SOURCE, Origin.SAMPLE)
    ]
    counts = [np.asarray(mask.astype(np.float64) @ matrix) for mask in masks]
    sizes = [np.repeat(mask.sum(axis=1, dtype=np.float64)[:, None], len(names), axis=1) for mask in masks]
    if counts[0][:, 0].sum() < FEWEST_SHARED:
        return None
    return compare_shares_by_arm(EndpointKind.INCIDENCE, name, names, "", counts, sizes, arms)
