"""What a record keeps."""

import pytest

from garasu.glass.record.errors import RecordError
from garasu.glass.record.options import CROSS_ATTENTION, RecordOptions


def test_no_panes_by_name():
    assert RecordOptions().patterns == (CROSS_ATTENTION,)
    assert RecordOptions(panes=("none",)).patterns == ()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"every": 0}, "every 1st"),
        ({"dtype": "int8"}, "float16 or float32, not as 'int8'"),
        ({"limit": 0}, "above 0 GB"),
        ({"limit": float("nan")}, "above 0 GB"),
    ],
)
def test_what_cannot_be_is_refused(fields, why):
    with pytest.raises(RecordError, match=why):
        RecordOptions(**fields)
