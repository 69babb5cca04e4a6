"""The store's bench: its smoke run measures every part, and no bound of the round is far off."""

from bench import store


def test_the_smoke_run_measures_every_part() -> None:
    figures = store.figures(quick=True)
    assert figures["start_packs"] == 5_000
    assert figures["start_after_kill_said"] is True
    for name in ("start_open_s", "put_packs_per_s", "history_us_per_pack", "alarm_commits_beside"):
        value = figures[name]
        assert isinstance(value, int | float)
        assert value > 0, name
