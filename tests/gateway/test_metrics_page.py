"""Figures for Prometheus: one page, on this machine alone, that nothing can wedge."""

import asyncio
import socket

import pytest
from haidang_gateway.errors import StoreBusy
from haidang_gateway.metrics_page import (
    HOST,
    MetricsPage,
    Sample,
    process_samples,
    samples_of,
    text_of,
)
from waiting import DEADLINE_S

STATUS = {
    "version": "0.1.0",
    "epoch": "5f3a9c1e",
    "queue": 7,
    "queue_alarms": 2,
    "oldest_s": 3,
    "nodes_up": 5,
    "nodes_down": 1,
    "cameras_up": 0,
    "cameras_down": 0,
    "ledger": {"received": 100, "lost": 0},
    "overflow": {"rows": 4},
    "sent": {"alarms": 9},
    "audit": {"n": 812, "chain": "sha256:..."},
    "storms": {"floods": 1, "chattering": 4},
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


async def _ask(port: int, request: bytes) -> bytes:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                reader, writer = await asyncio.open_connection(HOST, port)
                break
            except OSError:
                await asyncio.sleep(0.01)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer


async def _served(port: int, samples: list[Sample] | Exception, *requests: bytes) -> list[bytes]:
    async def given() -> list[Sample]:
        if isinstance(samples, Exception):
            raise samples
        return samples

    page = asyncio.create_task(MetricsPage(port, given).run())
    try:
        return [await _ask(port, request) for request in requests]
    finally:
        page.cancel()
        await asyncio.gather(page, return_exceptions=True)


def test_the_figures_are_prometheus_text() -> None:
    lines = list(text_of(samples_of(STATUS)))
    assert 'haidang_info{version="0.1.0",epoch="5f3a9c1e"} 1' in lines
    assert 'haidang_nodes{state="down"} 1' in lines
    assert 'haidang_ledger{what="received"} 100' in lines
    assert "# TYPE haidang_overflow_total counter" in lines
    assert 'haidang_overflow_total{what="rows"} 4' in lines
    assert "haidang_audit_rows 812" in lines
    assert 'haidang_storms_total{what="floods"} 1' in lines
    assert len([line for line in lines if line.startswith("# TYPE haidang_nodes ")]) == 1
    assert list(text_of([("x", {"a": 'q"\\\n'}, 0.5)]))[1] == 'x{a="q\\"\\\\\\n"} 0.5'
    assert {name for name, _, value in process_samples() if value > 0} == {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
    }


def test_only_the_page_is_there_and_what_is_no_request_ends_nothing() -> None:
    port = _free_port()
    good, other, post, noise, again = asyncio.run(
        _served(
            port,
            [("x", {}, 1)],
            b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"POST /metrics HTTP/1.1\r\n\r\n",
            b"\xff" * 20_000,
            b"GET /metrics?x=1 HTTP/1.0\r\n\r\n",
        )
    )
    assert good.startswith(b"HTTP/1.1 200 OK\r\n")
    assert good.endswith(b"\r\n\r\n# TYPE x gauge\nx 1\n")
    assert b" 404 " in other
    assert b" 404 " in post
    assert noise == b""
    assert b" 200 " in again


def test_a_store_that_fails_is_told_to_the_visitor() -> None:
    (answer,) = asyncio.run(
        _served(_free_port(), StoreBusy("the disk failed"), b"GET /metrics HTTP/1.0\r\n\r\n")
    )
    assert b" 503 " in answer
    assert b"the disk failed" in answer


def test_a_port_that_is_taken_and_none_at_all_end_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def none() -> list[Sample]:
        return []

    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        asyncio.run(MetricsPage(taken.getsockname()[1], none).run())
    assert "name another port" in caplog.text
    asyncio.run(MetricsPage(0, none).run())
