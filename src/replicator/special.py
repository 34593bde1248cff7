"""Special functions of scipy, without the package around them.

``scipy.special`` makes each of its functions known to other array libraries, and loads all of numpy for that: a twentieth of what
sampling a thousand subjects takes. The functions themselves are those of one extension module, and the same objects.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType

PACKAGE = "scipy.special"


def _ufuncs() -> ModuleType:
    """Load the extension module, with a package that is not run standing for its parent meanwhile."""
    spec = find_spec(PACKAGE)
    if PACKAGE in sys.modules or spec is None:
        return import_module(f"{PACKAGE}._ufuncs")
    sys.modules[PACKAGE] = module_from_spec(spec)
    try:
        return import_module(f"{PACKAGE}._ufuncs")
    finally:
        del sys.modules[PACKAGE]  # whoever imports it gets all of it


_known = _ufuncs()
binom = _known.binom
chdtrc = _known.chdtrc
eval_hermitenorm = _known.eval_hermitenorm
expit = _known.expit
fdtrc = _known.fdtrc
gammaln = _known.gammaln
hurwitz_zeta = _known._zeta
kolmogorov = _known.kolmogorov
ndtr = _known.ndtr
ndtri = _known.ndtri
psi = _known.psi

__all__ = ["binom", "chdtrc", "eval_hermitenorm", "expit", "fdtrc", "gammaln", "hurwitz_zeta", "kolmogorov", "ndtr", "ndtri", "psi"]
