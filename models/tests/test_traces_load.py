"""Trace files: layouts, order, every kind of bad input, and the real traces where they are at hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from equinox_core.traces import Trace, TraceError, load_trace, map_services, open_trace, save_trace, scale_to_load

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "traces"


def write(tmp_path: Path, text: str, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def no_warning(line: str) -> None:
    raise AssertionError(line)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_plain_layout(tmp_path: Path, name: str) -> None:
    trace = load_trace(
        write(tmp_path, "size,arrival_us,model\r\n1,100,a\r\n\r\n2,100.5,b\r\n3,1e3,a\r\n", name), no_warning
    )
    assert trace.arrival_us.tolist() == [0.0, 0.5, 900.0]
    assert trace.models == ("a", "b", "a")


def test_gzip_is_recognised_without_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(b"arrival_us\n3\n4\n"))
    assert load_trace(path).arrival_us.tolist() == [0.0, 1.0]


def test_azure_layout(tmp_path: Path) -> None:
    text = (
        "\ufeffTIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 23:59:59.9999999,1,2\n"
        "2023-11-17 00:00:00.0000001,1,2\n"
        "2023-11-17 00:00:01,1,2\n"
        "2023-11-17 02:00:02.5+02:00,1,2\n"
    )
    trace = load_trace(write(tmp_path, text), no_warning)
    assert trace.models is None
    assert trace.arrival_us.tolist() == [0.0, 0.2, 1_000_000.1, 2_500_000.1]


def test_unsorted_is_sorted_with_a_warning(tmp_path: Path) -> None:
    said: list[str] = []
    path = write(tmp_path, "arrival_us,model\n5,a\n9,b\n3,c\n9,d\n1,e\n")
    trace = load_trace(path, said.append)
    assert trace.arrival_us.tolist() == [0, 2, 4, 8, 8]
    assert trace.models == ("e", "c", "a", "b", "d")
    assert len(said) == 1 and said[0].startswith(f"{path}:4: warning:") and "not sorted" in said[0]


BAD = [
    ("", "", "file is empty"),
    ("\n\n", "", "file is empty"),
    ("arrival_us\n", "", "no arrivals"),
    ("time,model\n1,a\n", ":1", "unknown column layout 'time,model'"),
    ("0\n1\n2\n", ":1", "unknown column layout '0'"),
    ("arrival_us,arrival_us\n1,2\n", ":1", "appears 2 times"),
    ("arrival_us\n1\nabc\n", ":3", "'abc'; legal is a number from 0"),
    ("arrival_us\n1\nnan\n", ":3", "'nan'; legal is a number from 0"),
    ("arrival_us\n1\n-1\n", ":3", "'-1'; legal is a number from 0"),
    ("arrival_us\n1\ninf\n", ":3", "'inf'; legal is a number from 0"),
    ("arrival_us\n1\n1e300\n", ":3", "'1e300'; legal is a number from 0"),
    ("arrival_us\n1\n1_0\n", ":3", "'1_0'; legal is a number from 0"),
    ("arrival_us,model\n1,a\n,b\n", ":3", "''; legal is a number from 0"),
    ("arrival_us,model\n1,a\n2\n", ":3", "1 fields; the header names 2"),
    ("arrival_us,model\n1,a\n2,\n", ":3", "model is empty"),
    ('arrival_us\n1\n"2\n', ":3", "not legal CSV"),
    ("TIMESTAMP,x\n2023-11-16 18:15:46.6,1\n2023-13-16 18:15:46.6,1\n", ":3", "legal is YYYY-MM-DD"),
    ("TIMESTAMP,x\n2023-11-16 18:15:46.1234567890,1\n", ":2", "legal is YYYY-MM-DD"),
    ("TIMESTAMP,x\n1700000000,1\n", ":2", "legal is YYYY-MM-DD"),
]


@pytest.mark.parametrize(("text", "place", "what"), BAD)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_bad_content(tmp_path: Path, text: str, place: str, what: str, name: str) -> None:
    path = write(tmp_path, text, name)
    with pytest.raises(TraceError) as caught:
        load_trace(path)
    message = str(caught.value)
    assert message.startswith(f"{path}{place}: ") and what in message and "\n" not in message


def test_bad_files(tmp_path: Path) -> None:
    whole = gzip.compress(b"arrival_us\n" + b"".join(b"%d\n" % (i * i) for i in range(999)))
    for data in (whole[:-9], whole[:40] + b"\0\0\0\0" + whole[44:], b"arrival_us\n1\n"):
        path = tmp_path / "broken.csv.gz"
        path.write_bytes(data)
        with pytest.raises(TraceError, match="broken gzip file"):
            load_trace(path)
    with pytest.raises(TraceError, match="no such trace file"):
        load_trace(tmp_path / "absent.csv")
    with pytest.raises(TraceError, match="cannot be read"):
        load_trace(tmp_path)
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"arrival_us\n1\n\xff\xfe\n")
    with pytest.raises(TraceError, match=r"binary.csv:3: not a text file"):
        load_trace(binary)


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
def test_save_and_load(tmp_path: Path, name: str) -> None:
    trace = Trace("x", np.array([0.0, 1.4, 1.6, 70.0]), ("a", "b", "a,b", "c"))
    save_trace(trace, tmp_path / name)
    again = load_trace(tmp_path / name)
    assert again.arrival_us.tolist() == [0, 1, 2, 70] and again.models == trace.models
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_shipped_trace() -> None:
    trace = load_trace(ROOT / "configs" / "traces" / "bursty.csv", no_warning)
    assert len(trace) == 2000 and trace.gap_cv > 1.3
    made = open_trace("bursty:on=0.25,burst=2.5,len=24", 2000, 1)
    assert np.array_equal(np.rint(made.arrival_us), trace.arrival_us), "the shipped trace is not what its command makes"


@pytest.mark.parametrize(
    ("name", "arrivals", "models", "cv"),
    [
        ("azure2023_conv.csv.gz", 19366, 1, 1.09),
        ("azure2023_conv_raw_head.csv", 200, 0, None),
        ("disb_real.csv.gz", 1684, 5, None),
        ("servegen_deepseek_r1_600s_seed20261123.csv.gz", 8374, 0, 1.61),
    ],
)
def test_real_traces(name: str, arrivals: int, models: int, cv: float | None) -> None:
    path = REAL / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand (expected in ../shared/traces)")
    trace = load_trace(path, lambda line: None)
    assert len(trace) == arrivals
    assert len(set(trace.models or ())) == models
    if cv is not None:
        assert trace.gap_cv == pytest.approx(cv, abs=0.01)
    plan = scale_to_load(trace, 3000, 0.5, [0.01, 0.02], map_services(trace, ["one", "two"]))
    assert len(plan) == 3000 and set(plan.service.tolist()) == ({0, 1} if models != 1 else {0})
    assert (np.diff(plan.cycles) >= 0).all()


def test_azure_layouts_agree() -> None:
    raw, converted = REAL / "azure2023_conv_raw_head.csv", REAL / "azure2023_conv.csv.gz"
    if not (raw.exists() and converted.exists()):
        pytest.skip("the Azure trace is not at hand (expected in ../shared/traces)")
    ours = load_trace(raw).arrival_us
    assert np.abs(ours - load_trace(converted).arrival_us[: ours.size]).max() <= 1.0
