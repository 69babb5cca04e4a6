"""No promised pack is lost wherever the power is cut, and no number is without an explanation.

Every eighth operation here; `make bench-node` cuts at each.
"""

from bench.power_cuts import cut


def test_promised_packs_survive_a_power_cut_anywhere() -> None:
    result = cut(300, 8, "honest")
    assert result["cut_points"] > 800
    assert result["dropped"] > 0, "the run must fill the outbox"
    for kind in ("lost", "corrupt", "unexplained", "unwritable", "file_systems_lost"):
        assert result[kind] == 0, result
    assert result["bad_programs"] == 0, "LittleFS programs erased bytes only"


def test_the_same_cuts_find_losses_where_flushing_is_forgotten() -> None:
    result = cut(300, 40, "forgetful")
    assert result["lost"] > 0, "the test above could not fail"
