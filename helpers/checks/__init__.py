"""Checks of the exercises: `checks.name(your_function)` says not attempted, passed, or what is wrong and a hint.

One module a notebook; `exercise` holds what they share. Name: that of the function that the reader writes.
"""

from helpers.checks.better import *  # noqa: F403
from helpers.checks.collapse import *  # noqa: F403
from helpers.checks.data import *  # noqa: F403
from helpers.checks.faces import *  # noqa: F403
from helpers.checks.feed_forward import *  # noqa: F403
from helpers.checks.game import *  # noqa: F403
from helpers.checks.judging import *  # noqa: F403
from helpers.checks.moments import *  # noqa: F403
from helpers.checks.networks import *  # noqa: F403
from helpers.checks.noise_floor import *  # noqa: F403
from helpers.checks.rates import *  # noqa: F403
from helpers.checks.results import *  # noqa: F403
from helpers.checks.small import *  # noqa: F403
from helpers.checks.stability import *  # noqa: F403
from helpers.checks.start import *  # noqa: F403
from helpers.checks.statistics import *  # noqa: F403
from helpers.checks.three_tests import *  # noqa: F403
