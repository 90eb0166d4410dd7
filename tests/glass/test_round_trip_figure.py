"""The figure of a round trip."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from garasu.glass.round_trip import RoundTrip, averaged, compared

pytest.importorskip("matplotlib")
from garasu.glass.round_trip_figure import caption, round_trip_figure


@pytest.fixture
def trips() -> list[RoundTrip]:
    picture = Image.effect_noise((64, 48), 60).convert("RGB").filter(ImageFilter.GaussianBlur(2))
    return [compared(picture, picture.filter(ImageFilter.GaussianBlur(radius)), f"blur {radius}") for radius in (1, 2)]


def test_pictures_and_curves_are_those_of_the_trips(trips: list[RoundTrip]) -> None:
    upper, lower = round_trip_figure(trips, times=3).subfigs
    panels = np.array(upper.axes).reshape(2, 3)
    for row, trip in zip(panels, trips, strict=True):
        for axes, picture in zip(row, (trip.original, trip.decoded, trip.difference(3)), strict=True):
            assert np.array_equal(axes.images[0].get_array(), np.asarray(picture))
        assert row[1].get_title() == f"{trip.name}, {trip.psnr:.1f} dB"
        assert row[2].get_title() == "difference, 3 times"
    left, right = lower.axes
    curves = {line.get_label(): line for line in [*left.lines, *right.lines]}
    assert curves["the picture"].get_ydata() == pytest.approx(trips[0].power[1:].numpy())
    assert curves["error of blur 2"].get_ydata() == pytest.approx(trips[1].error[1:].numpy())
    assert curves["blur 1"].get_ydata() == pytest.approx((trips[0].error / trips[0].power)[1:].numpy())
    means = averaged(trips[0].original)
    assert curves["means of 8×8"].get_ydata() == pytest.approx((means.error / means.power)[1:].numpy())


def test_the_difference_is_shown_as_large_as_fits(trips: list[RoundTrip]) -> None:
    upper, _ = round_trip_figure(trips).subfigs
    title = upper.axes[2].get_title()
    times = int(title.removeprefix("difference, ").removesuffix(" times"))
    differences = [np.abs(np.asarray(one.decoded).astype(int) - np.asarray(one.original)) / 127.5 for one in trips]
    most = np.quantile(np.concatenate([one.ravel() for one in differences]), 0.995)
    assert times * most <= 1.01 < 2 * times * most * 1.03


def test_the_caption_compares_below_and_above_the_grid(trips: list[RoundTrip]) -> None:
    said = caption(trips, averaged(trips[0].original))
    assert said.startswith(
        f"blur 1 gets {100 * trips[0].wrong(0, 0.0625):.2g} % of the picture's power wrong below 0.0625"
    )
    assert f"({trips[1].psnr:.1f} dB); the mean colours of 8×8 pixels would get" in said
