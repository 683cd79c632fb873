"""What the first edition said of a claim of `claims`, and where; of claims that it did not make there is nothing."""

BY_FD = "README and 07, section 8, by FD alone"
SEEN = "07, section 8, one seed, last epoch"
ALONE = "09, section 7, by FD, bootstrap of five pairs"
BETTER = "11, section 6, by FD, bootstrap of five pairs"

SAID = {
    "closer after one epoch": ("held at each rate", BY_FD),
    "FD below 250 in fewer steps": ("held at each rate", "README (\"faster in each test\") and 07, section 8"),
    "closer at the end": ("seen once: ratios 0.93, 0.84, 0.19", SEEN),
    "effect after one epoch largest at 0.0001": ("undecided", BY_FD),
    "effect after one epoch smallest at 0.001": ("held", BY_FD),
    "effect at the end largest at 0.0001": ("seen once", SEEN),
    "effect at the end smallest at 0.001": ("not seen: 0.01", SEEN),
    "collapse rarer after one epoch": ("held, as \"wider range of rates\"; undecided at each rate", BY_FD),
    "collapse rarer at the end": ("seen once, at 0.0001", SEEN),
    "crisper images": ("fell at 0.01, held at 0.001 and 0.0001", "07, section 8, by the share of grey pixels"),
    "variance alone closer than both": ("held: \"as well\" fell in its favour, 0.87 [0.78, 0.95]", ALONE),
    "mean alone as well as none": ("held, 0.99 [0.97, 1.02]", ALONE),
    "early alone keeps collapse away": ("fell, 5 of 5 collapsed", ALONE),
    "late alone keeps collapse away": ("fell in words, 5 of 5 collapsed", "09, section 6"),
    "placebo as well as none": ("held, 1.03 [1.00, 1.05]", ALONE),
    "rescaled as well as none": ("held, 1.02 [0.99, 1.04]", ALONE),
    "mean alone closer than none": ("held at 0.01", "09, section 6, by FD"),
    "variance alone closer than none": ("held at 0.01 and 0.0001", "09, section 6, by FD"),
    "mean alone closer than variance alone": ("held at 0.01: \"the mean term does more\"", "README"),
    "debiased closer than the original": ("held at 0.001 and 0.0001", BETTER),
    "dataset closer than the original": ("held at 0.001, undecided at 0.0001", BETTER),
    "averaged closer than the original": ("undecided at 0.001, fell at 0.0001", BETTER),
    "features closer than the original": ("held at 0.001, undecided at 0.0001", BETTER),
}  # fmt: skip
