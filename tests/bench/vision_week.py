"""A synthetic week: real streets under weather and light, rendered fires now and then.

`python -m bench.vision_week --data DIR [--hours N] [--model FILE]` from the repository's root; the
last line is one JSON object. All of a camera's time logic runs under a simulated clock: thrift,
gate, view, what is usual, votes. What makes it quick, and why that hides no false alarm:

- A camera's quarter of an hour has one weather and light and ten pictures of a real clip, one a
  second; each is judged by the network once, its scores are used whenever it is shown again.
- While nothing is suspected a look is taken each second, as in a gateway, and each look has the
  next of the ten pictures: what drives past is elsewhere in each of them. A suspicious one wakes
  the camera as it does in a street: five looks a second. After 20 s of those each was seen ten
  times in its place, and a look is taken each second again until new ones come.
- A fire has looks every second, each picture rendered and judged anew, until ten seconds after
  it was found, or for three minutes.

What it cannot say: the clips are few, and some of their cameras were in training.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from models.measures import events_upper_bound

from bench import parts, vision_turns
from bench.vision_judge import Calm, Judge, judge_of
from bench.vision_street import BURNS_S, Street


def week(
    clips: list[Path], judge: Judge | Calm, *, hours: int, seed: int = 1, turned: bool = False
) -> parts.Figures:
    """Each clip's camera for so many hours, from another hour of the day on."""
    began_s = time.monotonic()
    streets = []
    for number, clip in enumerate(clips):
        begin_h = 24 * number / len(clips)
        other = clips[(number + 1) % len(clips)] if turned else None
        street = Street(
            clip, judge, hours=hours, seed=seed * 1000 + number, begin_h=begin_h, turned_to=other
        )
        alarming, pictures = judge.alarming, judge.pictures
        street.run()
        parts.LOG.info(
            "%s: found after %s s, false %s, view %s; %s of %s pictures alarm alone",
            clip.stem,
            street.found_s(),
            street.false_alarms(),
            sorted({word for _, word in street.false_faults()}),
            judge.alarming - alarming,
            judge.pictures - pictures,
        )
        streets.append(street)
    turns = vision_turns.figures([(street.turns, street.faults) for street in streets])
    return (
        _figures(streets, hours)
        | (turns if turned else {})
        | {
            "week_invokes": judge.invokes,
            "week_pictures": judge.pictures,
            "week_pictures_that_alarm_alone": judge.alarming,
            "week_took_s": round(time.monotonic() - began_s),
        }
    )


def _figures(streets: list[Street], hours: int) -> parts.Figures:
    found = [x for street in streets for x in street.found_s()]
    seconds = [x for x in found if x is not None]
    wrong = sum(len(street.false_alarms()) for street in streets)
    looked_h = len(streets) * hours - len(found) * BURNS_S / 3600
    return {
        "week_cameras": len(streets),
        "week_hours": round(looked_h, 1),
        "week_events": len(found),
        "week_found": len(seconds),
        "week_seconds_to_alarm_median": round(statistics.median(seconds), 1) if seconds else None,
        "week_false_alarms": wrong,
        "week_false_alarms_per_hour": round(wrong / looked_h, 4),
        "week_false_alarms_per_hour_95": round(events_upper_bound(wrong) / looked_h, 4),
        "week_view_faults": sum(_spells(street.false_faults()) for street in streets),
    }


def _spells(faults: list[tuple[float, str]]) -> int:
    """How often a fault began: the same word again within a minute is the same fault."""
    last: dict[str, float] = {}
    begun = 0
    for at_s, word in faults:
        begun += at_s - last.get(word, -1e9) > 60
        last[word] = at_s
    return begun


def normal_clips(data: Path) -> Iterator[Path]:
    """The real clips without fire."""
    yield from sorted((data / "video").glob("normal_*.mp4"))


def main() -> None:
    """Run by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds video/normal_*.mp4")
    parser.add_argument("--hours", type=int, default=24, help="for each camera, default 24")
    parser.add_argument("--model", type=Path, help="another fire model with the same thresholds")
    parser.add_argument("--views", action="store_true", help="faults of the view, no network")
    parser.add_argument("--turns", action="store_true", help="cameras are turned, with --views")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.turns and not options.views:
        parser.error("--turns needs --views")
    parts.show_progress()
    clips = list(normal_clips(options.data))
    if not clips:
        sys.exit(f"{options.data}/video holds no normal_*.mp4")
    judge = Calm() if options.views else judge_of(options.model)
    figures = week(clips, judge, hours=options.hours, seed=options.seed, turned=options.turns)
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
