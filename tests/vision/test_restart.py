"""Packets before a picture that needs none of them are thrown away, and nothing else is."""

import av
import numpy as np
import pytest
from crew_kit import noisy
from haidang_gateway.vision.camera import Decoder, opened
from haidang_gateway.vision.restart import begins_anew
from haidang_gateway.vision.source import Source
from hypothesis import given
from hypothesis import strategies as st

GOP = 6
X264 = {"preset": "ultrafast"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=0:open-gop=0:bframes=0"}


def film(path, codec, options, *, pixels="yuv420p", count=3 * GOP):
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream(codec, rate=15, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, pixels
        stream.gop_size = GOP
        for i in range(count):
            rgb = np.roll(noisy(120, 1)[:64, :96], 2 * i, axis=1)
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            clip.mux(stream.encode(picture.reformat(96, 64, pixels)))
        clip.mux(stream.encode())
    return path


def packets_of(path):
    """Packets, and which of them begin anew."""
    source = Source(address=str(path), loop=False)
    with opened(source) as container:
        decoder = Decoder(container, source)
        return [
            (packet, decoder.begins_anew(packet)) for packet in decoder.packets() if packet.size
        ]


def decoded(path, *, leave_out=()):
    """Each picture's bytes by its time; packets with these numbers are never decoded."""
    source = Source(address=str(path), loop=False)
    with opened(source) as container:
        decoder = Decoder(container, source)
        return {
            picture.pts: picture.to_ndarray().tobytes()
            for number, packet in enumerate(decoder.packets())
            if number not in leave_out
            for picture in decoder.pictures(packet)
        }


@pytest.mark.parametrize("ending", ["ts", "mp4"])
@pytest.mark.parametrize(("codec", "options"), [("libx264", X264), ("libx265", X265)])
def test_no_picture_from_there_on_needs_what_came_before(tmp_path, codec, options, ending):
    clip = film(tmp_path / f"c.{ending}", codec, options)
    anew = [number for number, (_, is_anew) in enumerate(packets_of(clip)) if is_anew]
    assert anew == [0, GOP, 2 * GOP]
    whole, rest = decoded(clip), decoded(clip, leave_out={GOP - 2, GOP - 1})
    assert len(rest) == len(whole) - 2
    assert all(whole[pts] == picture for pts, picture in rest.items())


def test_a_stream_that_refreshes_itself_by_stripes_never_begins_anew(tmp_path):
    options = X264 | {"x264-params": "intra-refresh=1"}
    clip = packets_of(film(tmp_path / "c.ts", "libx264", options, count=40))
    assert [number for number, (_, is_anew) in enumerate(clip) if is_anew] == [0]


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"preset": "fast", "x264-params": "open-gop=1:bframes=2:scenecut=0"}),
        ("libx265", {"preset": "ultrafast", "x265-params": "log-level=0:open-gop=1:bframes=2"}),
        ("mpeg4", {}),
    ],
)
def test_a_key_frame_that_others_build_over_is_no_new_beginning(tmp_path, codec, options):
    clip = packets_of(film(tmp_path / "c.ts", codec, options, count=40))
    assert sum(packet.is_keyframe for packet, _ in clip) > 2
    assert not any(is_anew for _, is_anew in clip[1:])


def test_of_pictures_that_stand_alone_each_begins_anew(tmp_path):
    clip = packets_of(film(tmp_path / "c.avi", "mjpeg", {}, pixels="yuvj420p"))
    assert all(is_anew for _, is_anew in clip)


def unit(header):
    return b"\0\0\1" + bytes([header, 1, 2, 3])


@pytest.mark.parametrize("kind", range(32))
@pytest.mark.parametrize("reference", [0, 3])
def test_of_h264_the_first_slice_decides(kind, reference):
    header = reference << 5 | kind
    start = unit(header) + unit(5 if kind > 5 or kind == 0 else 1)
    assert begins_anew("h264", start) == (kind > 5 or kind in {0, 5})


@pytest.mark.parametrize("kind", range(64))
def test_of_h265_five_kinds_of_slices_forget_what_came_before(kind):
    first = begins_anew("hevc", unit(kind << 1) + unit(1 << 1))
    assert first == (16 <= kind <= 20)
    after_no_slice = begins_anew("hevc", unit(kind << 1) + unit(19 << 1))
    assert after_no_slice == (16 <= kind <= 20 or kind >= 32)


@given(st.sampled_from(["h264", "hevc", "vp9"]), st.binary(max_size=40))
def test_no_bytes_stop_it(codec, content):
    for counted in (True, False):
        assert begins_anew(codec, content, counted=counted) in {True, False}
        assert begins_anew(codec, b"\0\0\1" + content, counted=counted) in {True, False}
