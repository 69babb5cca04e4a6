"""The TFLite runtime behind its one door: only the released file runs, always the same way."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from haidang_gateway.errors import ModelError
from haidang_gateway.vision.interpreter import Model, verified_bytes
from haidang_gateway.vision.manifest import (
    CrowdModel,
    FireModel,
    load_model,
    notices,
    read_manifest,
)


@pytest.fixture(scope="module")
def fire_entry(root: Path) -> FireModel:
    """The shipped fire model's entry."""
    return read_manifest(root / "models").fire


@pytest.fixture(scope="module")
def crowd_entry(root: Path) -> CrowdModel:
    """The shipped crowd model's entry."""
    return read_manifest(root / "models").crowd


def test_one_changed_bit_is_refused_and_the_text_says_what_to_do(
    fire_entry: FireModel, tmp_path: Path
) -> None:
    content = bytearray(fire_entry.path.read_bytes())
    content[len(content) // 2] ^= 1
    altered = tmp_path / "fire.tflite"
    altered.write_bytes(content)
    with pytest.raises(ModelError, match=r"SHA-256.*manifest says.*copy it again"):
        Model(altered, fire_entry.sha256).load()


def test_a_file_cut_off_while_copying_is_refused(fire_entry: FireModel, tmp_path: Path) -> None:
    cut = tmp_path / "fire.tflite"
    cut.write_bytes(fire_entry.path.read_bytes()[:1_000_000])
    with pytest.raises(ModelError, match="SHA-256"):
        Model(cut, fire_entry.sha256).load()


def test_a_file_the_runtime_cannot_read_is_refused_not_crashed_on(tmp_path: Path) -> None:
    noise = tmp_path / "fire.tflite"
    noise.write_bytes(b"TFL3 but then nothing of a model" * 100)
    digest = hashlib.sha256(noise.read_bytes()).hexdigest()
    with pytest.raises(ModelError, match="refuses it") as caught:
        Model(noise, digest).load()
    assert caught.value.__cause__ is not None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.tflite: cannot be read"):
        verified_bytes(tmp_path / "gone.tflite", "0" * 64)


def test_nothing_is_read_before_load(tmp_path: Path) -> None:
    model = Model(tmp_path / "absent.tflite", "0" * 64)
    with pytest.raises(ModelError, match="load"):
        model.run(np.zeros((224, 224, 3), np.uint8))


def test_a_picture_of_another_form_is_refused(fire_entry: FireModel) -> None:
    model = load_model(fire_entry)
    high, wide = fire_entry.height, fire_entry.width
    for picture in (
        np.zeros((high - 1, wide, 3), np.uint8),
        np.zeros((high, wide), np.uint8),
        np.zeros((high, wide, 3), np.float32),
    ):
        with pytest.raises(ModelError, match="wants uint8"):
            model.run(picture)


def test_fire_model_answers_two_logits_and_a_cell_map(fire_entry: FireModel) -> None:
    high, wide = fire_entry.height, fire_entry.width
    outputs = load_model(fire_entry).run(np.full((high, wide, 3), 127, np.uint8))
    assert sorted(output.shape for output in outputs) == [(2,), (high // 32, wide // 32, 2)]
    assert all(output.dtype == np.float32 and np.isfinite(output).all() for output in outputs)


def test_crowd_model_answers_density_and_peaks_at_stride_8(crowd_entry: CrowdModel) -> None:
    spec = crowd_entry.spec
    outputs = load_model(crowd_entry).run(np.full((spec.height, spec.width, 3), 127, np.uint8))
    assert [output.shape for output in outputs] == [(spec.height // 8, spec.width // 8, 2)]


def test_the_same_picture_gives_the_same_answer_in_every_instance(fire_entry: FireModel) -> None:
    shape = (fire_entry.height, fire_entry.width, 3)
    picture = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    first, second = load_model(fire_entry), load_model(fire_entry, threads=2)
    answers = [first.run(picture), second.run(picture), first.run(picture)]
    for answer in answers[1:]:
        for expected, output in zip(answers[0], answer, strict=True):
            np.testing.assert_array_equal(output, expected)


def test_answers_do_not_change_when_the_next_picture_is_run(fire_entry: FireModel) -> None:
    model = load_model(fire_entry)
    shape = (fire_entry.height, fire_entry.width, 3)
    kept = model.run(np.zeros(shape, np.uint8))
    copies = [output.copy() for output in kept]
    model.run(np.full(shape, 255, np.uint8))
    for copy, output in zip(copies, kept, strict=True):
        np.testing.assert_array_equal(output, copy)


def test_a_manifest_that_names_another_size_is_refused(root: Path, tmp_path: Path) -> None:
    text = (root / "models" / "manifest.toml").read_text(encoding="utf-8")
    fire = read_manifest(root / "models").fire
    (tmp_path / "manifest.toml").write_text(text.replace(f"width = {fire.width}", "width = 96"))
    (tmp_path / "fire.tflite").symlink_to(root / "models" / "fire.tflite")
    with pytest.raises(ModelError, match=f"{fire.height} x 96"):
        load_model(read_manifest(tmp_path).fire)


def test_a_manifest_without_a_field_names_the_field(root: Path, tmp_path: Path) -> None:
    text = (root / "models" / "manifest.toml").read_text(encoding="utf-8")
    (tmp_path / "manifest.toml").write_text(text.replace("fire_threshold", "fire_limit"))
    with pytest.raises(ModelError, match="fire_threshold"):
        read_manifest(tmp_path)


def test_a_missing_manifest_says_which_setting_to_repair(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"\[models\] dir"):
        read_manifest(tmp_path)


def test_a_research_variant_is_told_and_the_free_fire_model_is_not(root: Path) -> None:
    free, research = (read_manifest(root / "models", name) for name in ("fire", "fire-research"))
    assert not any("fires" in notice for notice in notices(free))
    (told,) = (notice for notice in notices(research) if "fires" in notice)
    assert "fire-research.tflite, a research variant: learnt also from" in told
    assert "take `fire` out of [models]" in told


def test_a_fire_model_that_is_not_in_the_manifest_is_told_with_those_that_are(root: Path) -> None:
    with pytest.raises(
        ModelError, match=r"no fire model \[fire-best\]; set `fire` .* one of fire,"
    ):
        read_manifest(root / "models", "fire-best")


def test_an_edge_tpu_library_that_is_not_there_is_named_with_what_to_install(root: Path) -> None:
    entry = read_manifest(root / "models").fire
    with pytest.raises(ModelError, match=r"libnone\.so\.1 cannot be used .* libedgetpu1-std"):
        load_model(entry, edge_tpu="libnone.so.1")


@pytest.mark.parametrize("library", ["a file", "libm.so.6"])
def test_a_library_that_is_no_edge_tpus_is_refused(
    root: Path, tmp_path: Path, library: str
) -> None:
    if library == "a file":
        (tmp_path / "libfalse.so").write_bytes(b"not a library")
        library = str(tmp_path / "libfalse.so")
    with pytest.raises(ModelError, match=r"or remove edge_tpu from \[models\]"):
        load_model(read_manifest(root / "models").fire, edge_tpu=library)
