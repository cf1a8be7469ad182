from __future__ import annotations

import pytest

from engine.core.errors import ConfigError
from engine.core.learning import LearningOptions


def test_defaults_are_valid_and_compilable():
    assert not LearningOptions().served_through_vw


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"cb_type": "dm"}, "cb_type", "expected one of mtr, ips, dr"),
        ({"optimizer": "adam"}, "optimizer", "expected one of"),
        ({"bits": 5}, "bits", "from 6 to 28"),
        ({"bits": 40}, "bits", "from 6 to 28"),
        ({"save_every": 0}, "save_every", "from 1"),
        ({"learning_rate": 0.0}, "learning_rate", "got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate", "got nan"),
        ({"l2": -1.0}, "l2", "got -1.0"),
        ({"interactions": ("UV", "VU")}, "interactions[1]", "repeats 'UV'"),
        ({"interactions": ("UV", "UV")}, "interactions[1]", "repeats 'UV'"),
        ({"interactions": ("CS", "UCS", "SUC")}, "interactions[2]", "repeats 'UCS'"),
        ({"interactions": ("UX",)}, "interactions[0]", "user × user"),
        ({"interactions": ("UU",)}, "interactions[0]", "user × user"),
        ({"interactions": ("UVCS",)}, "interactions[0]", "highest degree"),
        ({"interactions": ("::",)}, "interactions[0]", "wildcards"),
        ({"interactions": ("U:",)}, "interactions[0]", "wildcards"),
        ({"interactions": ("UA",)}, "interactions[0]", "no namespace 'A'"),
        ({"interactions": ("V",)}, "interactions[0]", "at least two"),
        ({"interactions": ("EE",)}, "interactions[0]", "crossed with itself"),
        ({"extra": ("--bag", "3")}, "extra", "several models"),
        ({"extra": ("--cover 3",)}, "extra", "several policies"),
        ({"extra": ("--regcb",)}, "extra", "optimiser's state"),
        ({"extra": ("--nn=3",)}, "extra", "neural network"),
        ({"extra": ("--boosting", "3")}, "extra", "several models"),
        ({"extra": ("--hash", "all")}, "extra", "instead of hashing"),
        ({"extra": ("--squarecb",), "cb_type": "dr"}, "extra", "mtr only"),
        ({"extra": ("--cb_explore_adf",)}, "extra", "exploration is set under"),
        ({"extra": ("--some_future_option",)}, "extra", "not known to be a table"),
        ({"extra": ("-q", "UV")}, "extra", "set by `interactions`"),
        ({"extra": ("--l1", "1")}, "extra", "set by `l1`"),
        ({"extra": ("-f", "out.vw")}, "extra", "files"),
        ({"extra": ("--clip_p",)}, "extra", "takes 1 value"),
        ({"extra": ("--clip_p", "1", "2")}, "extra", "takes 1 value"),
        ({"extra": ("--clip_p", "lots")}, "extra", "a finite number"),
        ({"extra": ("--ignore_linear", "Q")}, "extra", "namespace letters"),
        ({"extra": ("0.5",)}, "extra", "expected an option"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_reason(change, field, why):
    with pytest.raises(ConfigError, match=why.replace("[", r"\[")) as caught:
        LearningOptions(**change)
    assert caught.value.field == field


@pytest.mark.parametrize("interaction", ["VC", "VCSO", "VCSOE", "UV", "XE", "UCS", "SXV"])
def test_listed_shapes_compile(interaction):
    assert LearningOptions(interactions=(interaction,)).interactions == (interaction,)


def test_served_through_vw_allows_them_but_never_files():
    served = LearningOptions(interactions=("::",), extra=("--nn 3",), served_through_vw=True)
    assert served.extra_words == ("--nn", "3")
    with pytest.raises(ConfigError, match="files"):
        LearningOptions(extra=("--daemon",), served_through_vw=True)


def test_ignored_linear_collects_letters():
    assert LearningOptions(extra=("--ignore_linear=UX", "--ignore_linear V")).ignored_linear == set("UXV")
