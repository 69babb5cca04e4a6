"""The configuration file: the example is right, and every mistake is told with its line."""

from pathlib import Path

import pytest
from config_kit import example, loaded, problems_of
from haidang_gateway.alarms.engine import Rules
from haidang_gateway.config import load
from haidang_gateway.errors import ConfigError
from haidang_gateway.site import Downstream, Edition


def test_the_example_is_valid_and_gives_the_values_it_shows(root: Path, tmp_path: Path) -> None:
    settings = loaded(tmp_path, example(root, tmp_path))
    assert settings.id == "gw-01"
    assert [level.mm for level in settings.nodes[1].gauge] == [4000, 5500, 6500]
    assert settings.nodes[0].source == "urn:dev:mac:240ac4fffe000001"
    assert settings.cameras[0].ground[2] == ((0.95, 0.95), (8.0, 0.0))
    site = settings.site()
    own = Edition(levels=settings.nodes[1].gauge)
    assert site.gauges == {settings.nodes[1].source: (own,)}
    assert site.camera_places == {"camera:market-3-east": "market-3"}


def test_every_commented_key_of_the_example_exists_and_shows_its_default(
    root: Path, tmp_path: Path
) -> None:
    text = example(root, tmp_path)
    shown = "\n".join(
        line[2:] if line.startswith("# ") and " = " in line and "`" not in line else line
        for line in text.splitlines()
    )
    # These have no default, or the example's place and camera differ from it.
    for line in (
        'name_en = "Cot Do market"',
        "area_m2 = 120.0",
        "limit_count = 150",
        'footfall_nodes = ["n-240ac4000003"]',
        'gauge_station = "giang"',
        'cap_addresses = "ioc@example.vn"',
        'downstream = "n-240ac4000009"',
        "travel_min = 90",
        f'keys = ["{tmp_path}/levels.pub"]',
        f'key = "{tmp_path}/evidence.key"',
        'edge_tpu = "libedgetpu.so.1"',
        "masks = [[[0.0, 0.0], [0.3, 0.0], [0.3, 0.4], [0.0, 0.4]]]",
        "motion_masks = [[[0.7, 0.0], [1.0, 0.0], [1.0, 0.2], [0.7, 0.2]]]",
    ):
        shown = shown.replace(f"\n{line}\n", "\n")
    with_defaults = loaded(tmp_path, shown)
    assert with_defaults == loaded(tmp_path, text)


def test_all_mistakes_are_told_at_once_with_line_and_remedy(root: Path, tmp_path: Path) -> None:
    text = example(root, tmp_path)
    text = text.replace('id = "gw-01"', 'id = "gateway 1"').replace("lat = 19.742", "lat = 190")
    text = text.replace('place = "giang"', 'place = "jiang"')
    text = text.replace("person_px = 90", "person_pix = 90")
    text = text.replace("[4000, 5500, 6500]", "[4000, 3500, 6500]")
    text = text.replace(f'cert = "{tmp_path}/gw-01.pem"', 'cert = "missing.pem"', 1)
    problems = problems_of(tmp_path, text)
    lines = text.splitlines()

    def at(start: str) -> str:
        number = next(n for n, line in enumerate(lines, 1) if line.startswith(start))
        return f"gateway.toml:{number}: "

    expected = {
        at('id = "gateway 1"'): "such as gw-01",
        at("lat = 190"): "from -90 to 90",
        at('place = "jiang"'): "there is no [[place]] jiang",
        at("person_pix"): "did you mean person_px?",
        at("gauge_mm"): "3 rising numbers",
        at('cert = "missing.pem"'): "does not exist",
    }
    assert len(problems) == len(expected), problems
    for place, remedy in expected.items():
        assert any(p.startswith(place) and remedy in p for p in problems), (place, problems)


def test_masks_evidence_and_what_workers_may_use_are_read(root: Path, tmp_path: Path) -> None:
    (tmp_path / "evidence.key").touch(mode=0o600)
    text = example(root, tmp_path)
    for line in ("key", "keep_days", "max_mb = 2000", "masks", "motion_masks", "edge_tpu"):
        text = text.replace(f"# {line}", line)
    text = text.replace('# fire = "fire"', 'fire = "fire-research"')
    settings = loaded(tmp_path, text)
    camera = settings.cameras[0]
    assert camera.masks == (((0.0, 0.0), (0.3, 0.0), (0.3, 0.4), (0.0, 0.4)),)
    assert len(camera.motion_masks[0]) == 4
    assert settings.vision.fire == "fire-research"
    assert settings.vision.edge_tpu == "libedgetpu.so.1"
    assert settings.evidence.key == tmp_path / "evidence.key"
    (problem,) = problems_of(tmp_path, text.replace("[0.3, 0.4]", "[0.3, 1.4]"))
    assert "masks" in problem
    assert "three or more [x, y] in 0..1" in problem


def test_a_river_leads_to_a_gauge_that_exists_in_a_time_that_is_told(
    root: Path, tmp_path: Path
) -> None:
    text = example(root, tmp_path)
    up = text.replace(
        'place = "giang"\n',
        'place = "giang"\ndownstream = "n-240ac4000001"\ntravel_min = 90\n',
        1,
    )
    site = loaded(tmp_path, up).site()
    below = Downstream("urn:dev:mac:240ac4fffe000001", 5400.0)
    assert site.rivers == {"urn:dev:mac:240ac4fffe000002": below}
    for wrong, reason in (
        (up.replace('downstream = "n-240ac4000001"', 'downstream = "n-240ac4000009"'), "no other"),
        (up.replace('downstream = "n-240ac4000001"', 'downstream = "n-240ac4000002"'), "no other"),
        (up.replace("travel_min = 90", "travel_min = 0"), "how many minutes"),
    ):
        assert reason in problems_of(tmp_path, wrong)[0]


def test_a_name_that_no_headline_can_hold_is_named_with_its_line(
    root: Path, tmp_path: Path
) -> None:
    text = example(root, tmp_path)
    fits = 80 * "ợ"
    name, name_en = 'name = "Trạm thủy văn Giàng"', 'name_en = "Giang gauging station"'
    loaded(tmp_path, text.replace(name, f'name = "{fits}"'))
    text = text.replace(name, f'name = "{fits}x"').replace(name_en, f'name_en = "{fits}x"')
    first, second = problems_of(tmp_path, text)
    line = next(n for n, line in enumerate(text.splitlines(), 1) if f"{fits}x" in line)
    assert first.startswith(f"gateway.toml:{line}: name: ")
    assert "at most 80 characters" in first
    assert second.startswith(f"gateway.toml:{line + 1}: name_en: ")


def test_the_longest_ids_that_are_taken_fit_the_alarms(root: Path, tmp_path: Path) -> None:
    text = example(root, tmp_path)
    for table, there in (("place", "market-3"), ("camera", "market-3-east")):
        assert f'id = "{there}"' in text
        longest = text.replace(f'"{there}"', f'"{"x" * 40}"')
        Rules(loaded(tmp_path, longest).site(), {}, "5f3a9c1e")
        too_long = text.replace(f'"{there}"', f'"{"x" * 41}"')
        assert any(": id: " in problem for problem in problems_of(tmp_path, too_long)), table


def test_a_key_that_others_may_read_is_refused(root: Path, tmp_path: Path) -> None:
    text = example(root, tmp_path)
    (tmp_path / "gw-01-alarm.key").chmod(0o644)
    (problem,) = problems_of(tmp_path, text)
    assert "key_alarm: others may read" in problem
    assert "chmod 600" in problem


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('[[node]]\nid = "n-240ac4000001"\nplace = "market-3"\n', "is given twice"),
        ("[bracket]\nport = 1\n", "unknown table"),
        ('[[place]]\nid = "x"\n', "lat: is missing"),
    ],
)
def test_a_mistake_in_an_added_table_is_named(
    root: Path, tmp_path: Path, change: str, told: str
) -> None:
    problems = problems_of(tmp_path, example(root, tmp_path) + "\n" + change)
    assert any(told in problem for problem in problems)


def test_text_that_is_no_toml_and_a_missing_file_are_named(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "[gateway\n")
    assert "is not valid TOML" in problem
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "absent.toml")


def test_wrong_kinds_of_tables_are_named_not_raised(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, 'broker = 3\nplace = "here"\nnode = [1]\n')
    assert any("write it as a table: [broker]" in problem for problem in problems)
    assert any("double brackets: [[place]]" in problem for problem in problems)
    assert any("double brackets: [[node]]" in problem for problem in problems)


def test_a_table_left_out_is_named_with_each_key_that_is_missing(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "")
    assert "gateway.toml:1: host: is missing in [centre]; write a host name in quotes" in problems
    assert sum("cert: is missing in [broker]" in problem for problem in problems) == 1


def test_a_file_with_the_mark_of_a_windows_editor_is_read(root: Path, tmp_path: Path) -> None:
    assert loaded(tmp_path, "\ufeff" + example(root, tmp_path)).id == "gw-01"


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("url", '"gopher://192.0.2.10/x"', "url: cannot be"),
        ("zone", "[[0.2, 0.4], [0.2, 0.4], [0.2, 0.4]]", "zone: encloses no area"),
        ("ground_picture", "[[0.2, 0.4], [0.4, 0.4], [0.6, 0.4], [0.1, 0.9]]", "on one line"),
    ],
)
def test_a_camera_that_can_see_nothing_so_is_named_with_its_line(
    root: Path, tmp_path: Path, key: str, value: str, word: str
) -> None:
    lines = example(root, tmp_path).splitlines()
    number = next(n for n, line in enumerate(lines) if line.startswith(f"{key} = "))
    lines[number] = f"{key} = {value}"
    (problem,) = problems_of(tmp_path, "\n".join(lines))
    assert problem.startswith(f"gateway.toml:{number + 1}: {key}: ")
    assert word in problem


_SERIAL = """
[[serial]]
device = "/dev/serial/by-id/usb-1"
nodes = ["n-240ac4000001"]
"""


def test_serial_ports_are_read_and_the_example_shows_them_right(
    root: Path, tmp_path: Path
) -> None:
    text = example(root, tmp_path)
    (own,) = loaded(tmp_path, text + _SERIAL).serial
    assert (own.baud, own.nodes, own.keys) == (115_200, ("n-240ac4000001",), tmp_path)
    before, mark, rest = text.partition("#[[serial]]")
    table, end, after = rest.partition("\n\n")
    shown = "\n".join(
        line if line.startswith("# ") else line.removeprefix("#")
        for line in (mark + table).replace("0003", "0002").splitlines()
    )
    (port,) = loaded(tmp_path, before + shown + end + after).serial
    assert (port.baud, port.keys) == (115_200, tmp_path)


def test_a_port_or_a_wired_node_that_stands_twice_or_nowhere_is_named(
    root: Path, tmp_path: Path
) -> None:
    stranger = _SERIAL.replace("0001", "0077")
    problems = problems_of(tmp_path, example(root, tmp_path) + _SERIAL + _SERIAL + stranger)
    assert [problem.partition(": ")[2] for problem in problems] == [
        "device: /dev/serial/by-id/usb-1 is given twice; remove one",
        "nodes: n-240ac4000001 is given twice; remove one",
        "device: /dev/serial/by-id/usb-1 is given twice; remove one",
        "nodes: there is no [[node]] n-240ac4000077; add one",
    ]


def test_a_file_that_is_no_text_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes("id = 'Chợ'".encode("utf-16"))
    with pytest.raises(ConfigError, match="is no text in UTF-8; save it as such"):
        load(path)


def test_a_place_with_a_wrong_name_is_one_mistake_of_the_place(root: Path, tmp_path: Path) -> None:
    text = example(root, tmp_path).replace('id = "market-3"', 'id = "chợ-3"')
    lines = [problem.split(": ")[1] for problem in problems_of(tmp_path, text)]
    assert lines == ["id", "place", "place"], "the place, and the node and camera that stand there"


@pytest.mark.parametrize(
    "url", ["ftp://admin:S3cret/1@192.0.2.1/x", "ftp://192.0.2.1/user=admin&password=S3cret"]
)
def test_a_wrong_address_is_told_without_the_password_in_it(
    root: Path, tmp_path: Path, url: str
) -> None:
    text = example(root, tmp_path).replace("rtsp://192.0.2.10/stream1", url)
    (problem,) = problems_of(tmp_path, text)
    assert "url: cannot be 'ftp://192.0.2.1" in problem
    assert "S3cret" not in problem
