"""Medians and ratios of made-up samples."""

from benchmarks.ratios import Ratio, Summary, ratio, summary, values


def sample(subject: str, turn: int, seconds: float, group: str = "bf16") -> dict[str, object]:
    return {"subject": subject, "measure": "step", "group": group, "round": turn, "seconds": seconds}


def test_warm_ups_do_not_count() -> None:
    samples = [sample("a", 0, 100.0), sample("a", 1, 2.0), sample("a", 2, 4.0), sample("b", 1, 9.0)]
    assert summary(values(samples, "a", "step", "seconds").values()) == Summary(3.0, 2.0, 4.0, 2)
    assert summary(values(samples, "a", "text", "seconds").values()) is None


def test_pairs_see_through_a_machine_that_grows_slow() -> None:
    ours, theirs = (1.0, 2.0, 8.0), (3.0, 6.0, 24.0)
    samples = [sample("a", i + 1, s) for i, s in enumerate(ours)] + [
        sample("b", i + 1, s) for i, s in enumerate(theirs)
    ]
    assert ratio(samples, "b", "a", "step", "seconds") == Ratio(3.0, 3.0, 3.0, 3.0)


def test_spread_is_that_of_the_pairs() -> None:
    samples = [sample("a", 1, 1.0), sample("a", 2, 2.0), sample("a", 3, 1.0)]
    samples += [sample("b", 1, 2.0), sample("b", 2, 2.0), sample("b", 3, 4.0)]
    found = ratio(samples, "b", "a", "step", "seconds")
    assert found == Ratio(of_medians=2.0, paired=2.0, low=1.0, high=4.0)


def test_only_rounds_of_both_are_paired() -> None:
    samples = [sample("a", 1, 1.0), sample("b", 1, 2.0), sample("b", 2, 50.0), sample("b", 1, 5.0, group="fp32")]
    assert ratio(samples, "b", "a", "step", "seconds") == Ratio(2.0, 2.0, 2.0, 2.0)
    assert ratio(samples, "b", "c", "step", "seconds") is None
