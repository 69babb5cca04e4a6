# heap: 600K
"""node.json over the air: merged by RFC 7396, checked whole, tried out, kept or rolled back."""

import json
import os

from haidang_node import configure, log, merging, trial, trial_files
from haidang_node.config_safe import load_link
from haidang_node.errors import CommandError, ConfigError
from haidang_node.orders import Orders

from board_parts import Storage

log.start(log.ERROR + 1, lambda: 0)
_NODE = {
    "v": 1,
    "wifi": [{"ssid": "demo", "key": "secret"}],
    "broker": {"host": "192.168.1.10", "port": 8884},
    "sensors": {"flood": {"mount_mm": 3100}},
}


def _folder(document=_NODE):
    folder = "/tmp/haidang-air-%d" % int.from_bytes(os.urandom(4), "big")
    os.mkdir(folder)
    with open(folder + trial_files.ACTIVE, "w") as file:
        file.write(document if isinstance(document, str) else json.dumps(document))
    return folder


def _read(path):
    with open(path) as file:
        return json.load(file)


def _error(function, *args):
    try:
        function(*args)
    except CommandError as error:
        return str(error)
    return ""


def test_the_examples_of_rfc_7396() -> None:
    for target, patch, result in (
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ):
        assert merging.merged(target, patch) == result


def test_a_patch_goes_on_trial_and_the_old_file_stays() -> None:
    folder, storage = _folder(), Storage()
    patch = {"report_s": 30, "sensors": {"flood": {"mount_mm": 3000}}}
    assert configure.propose(folder, storage, {"set": patch}, "c-1") == {"trial_s": 300}
    assert _read(folder + trial_files.ACTIVE) == _NODE
    tried = _read(folder + trial_files.TRIAL)
    assert tried["report_s"] == 30
    assert tried["sensors"] == {"flood": {"mount_mm": 3000}}
    assert tried["broker"] == _NODE["broker"]
    again = _error(configure.propose, folder, storage, {"set": {}}, "c-2")
    assert "on trial" in again
    assert "on trial" in _error(configure.amend, folder, {})


def test_all_mistakes_of_the_whole_result_come_back_and_nothing_is_written() -> None:
    folder, storage = _folder(), Storage()
    patch = {"report": 5, "broker": {"host": "x"}, "wifi": None, "sensors": {"rain": {}}}
    told = _error(configure.propose, folder, storage, {"set": patch}, "c-1")
    for part in ("report is not a field", "host x must be", "wifi is missing", "rain is not"):
        assert part in told, (part, told)
    assert not trial_files.is_on(folder)
    for args in ({}, {"set": 3}, {"report_s": 5}, {"set": {}, "trial_s": "x"}):
        assert "args must be" in _error(configure.propose, folder, storage, args, "c-1")
    assert "trial_s" in _error(configure.propose, folder, storage, {"set": {}, "trial_s": 5}, "c")


def test_a_damaged_node_json_is_mended_by_a_whole_one() -> None:
    folder, storage = _folder("{"), Storage()
    assert "is missing" in _error(configure.propose, folder, storage, {"set": {}}, "c-1")
    configure.propose(folder, storage, {"set": _NODE}, "c-2")
    assert _read(folder + trial_files.TRIAL) == _NODE


class _Trial:
    def __init__(self, trial_s=60):
        self.folder, self.storage = _folder(), Storage()
        configure.propose(
            self.folder, self.storage, {"set": {"report_s": 30}, "trial_s": trial_s}, "c-1"
        )
        self.orders = Orders(self.folder + "/orders", None, None)

    def begin(self, fails=0):
        path = trial.begin(self.folder, self.storage, self.orders, fails)
        return path[len(self.folder) :]

    def step(self, reached):
        return trial.step(self.folder, self.storage, self.orders, reached, "0badcafe")

    def outcome(self):
        again = Orders(self.folder + "/orders", None, None)
        again.open()
        return json.loads(again.reply(0) or "{}")

    def report_s(self):
        return _read(self.folder + trial_files.ACTIVE).get("report_s")


def test_a_configuration_over_which_the_gateway_answers_is_kept_and_told() -> None:
    tried = _Trial()
    assert tried.begin() == trial_files.TRIAL
    assert tried.step(reached=False) == ""
    assert tried.step(reached=True) == "kept"
    assert tried.report_s() == 30
    assert tried.outcome() == {"id": "c-1", "ok": True, "out": {"kept": True, "cfg": "0badcafe"}}
    assert not trial_files.is_on(tried.folder)


def test_one_without_an_answer_is_rolled_back_in_time_and_told() -> None:
    tried = _Trial(trial_s=60)
    assert tried.begin() == trial_files.TRIAL
    assert [tried.step(reached=False) for _ in range(3)] == ["", "", "rolled back"]
    assert tried.report_s() is None
    outcome = tried.outcome()
    assert (outcome["id"], outcome["ok"]) == ("c-1", False)
    assert "rolled back" in outcome["err"]


def test_resets_do_not_lengthen_a_trial() -> None:
    tried = _Trial(trial_s=60)
    assert [tried.begin() for _ in range(4)] == [trial_files.TRIAL] * 3 + [trial_files.ACTIVE]
    assert not trial_files.is_on(tried.folder)


def test_a_trial_that_storage_does_not_count_is_rolled_back_at_once() -> None:
    def worn(key, value):
        raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")

    for at_start in (True, False):
        tried = _Trial()
        tried.storage.put = worn
        if at_start:
            assert tried.begin() == trial_files.ACTIVE
        else:
            assert tried.step(reached=False) == "rolled back"
        assert not trial_files.is_on(tried.folder)
        assert "not reached in time" in tried.outcome()["err"]


def test_two_failed_starts_end_a_trial() -> None:
    tried = _Trial()
    assert tried.begin(fails=1) == trial_files.TRIAL
    assert tried.begin(fails=2) == trial_files.ACTIVE
    assert "failed to start" in tried.outcome()["err"]


def test_a_calibration_changes_one_field_at_once() -> None:
    folder = _folder()
    cfg = configure.amend(folder, {"sensors": {"flood": {"mount_mm": 2950}}})
    assert len(cfg) == 8
    assert _read(folder + trial_files.ACTIVE)["sensors"] == {"flood": {"mount_mm": 2950}}
    assert _error(configure.amend, folder, {"sensors": {"flood": {"mount_mm": 1}}})


def test_safe_mode_needs_the_link_s_fields_alone() -> None:
    folder = _folder(dict(_NODE, sensors={"rain": {}}, report=3))
    settings = load_link(folder + trial_files.ACTIVE)
    assert settings["broker"]["port"] == 8884
    assert settings["led_pin"] == 2
    wired = {"v": 1, "serial": {"uart": 2, "rx_pin": 16, "tx_pin": 17}, "sensors": 7}
    assert load_link(_folder(wired) + trial_files.ACTIVE)["serial"]["uart"] == 2
    for broken in ({}, "{", dict(_NODE, wifi=[]), "[]"):
        assert _config_error(_folder(broken) + trial_files.ACTIVE), broken


def _config_error(path):
    try:
        load_link(path)
    except ConfigError as error:
        return error.problems
    return ()
