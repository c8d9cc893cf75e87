"""State of the timing model: one numpy record, so that compiled code reads it by name.

Times are cycles. Cycle t ends with rising clock edge t; what a register shows "from t on" was written at edge t-1.
``NEVER`` stands for a time that nothing is planned for. Contexts, units, services are padded to the largest legal core.
"""

from __future__ import annotations

import numpy as np

from ..hw import params
from ..hw.modes import Mode
from ..hw.states import CtxState, Unit
from ..isa.encoding import SEMAPHORES

CTX, UNITS, SVC, SEMS, BATCH_MAX = (
    params.MAX_CTX,
    len(Unit),
    params.CORE["SERVICES"].high,
    SEMAPHORES,
    params.CORE["N"].high,
)
MMU, VPU, LD, ST = (int(unit) for unit in (Unit.MMU, Unit.VPU, Unit.LD, Unit.ST))
INF, TRN = 0, 1  # classes of contexts
INF_ONLY, FAIR, PRIO = (int(mode) for mode in (Mode.INF_ONLY, Mode.FAIR, Mode.PRIO))
ENDED, ASKS, FETCHED, HEAD = range(4)  # states of a stream: at its end, asks for a fetch, fetched, head is there
IDLE, LOADING, RUNNING = (int(state) for state in (CtxState.IDLE, CtxState.LOADING, CtxState.RUNNING))
RESPOND, KILLING, ERROR = (int(state) for state in (CtxState.RESPOND, CtxState.KILLING, CtxState.ERROR))
NEVER = 1 << 62
FIX, R_VEC, R_CST, R_ACC, R_ACTC, R_WGT = range(6)  # what an address is relocated by
RELOCATIONS = OPERANDS = 6
V = OPERANDS - 1  # the VPU's operands are A, B, C, D, R, V; the MMU's A, B, C; LOAD and STORE have one

RING = 128  # completions of a unit and context under way: rows in the arrays bound them (2N+4, N <= 32)
QUEUE = params.CORE["QUEUE_DEPTH"].high  # waiting requests a service
SEGMENTS = 8  # ST: segments between gathering and their last address
FINISHES = 32  # VPU: instructions of a context that are not complete, and some that are
BURSTS = 32  # bursts of a direction under way
ANSWERS = 8
PIECES_ST = 8  # bursts of one ST segment: at most K beats and a panel's exponents, cut at 4 KiB

# ---- who can be next: indices into STATE.soon; those from W_FETCH on are groups, whose members' times lie in a field
# of their own
W_EXT, W_MODE, W_FORMER, W_RX, W_RESP = range(5)
W_UNIT = 5  # + unit
W_DRAM = W_UNIT + UNITS
W_FETCH, W_NOP, W_CTX, W_DONE, W_STREAM = range(W_DRAM + 1, W_DRAM + 6)
W_HOST = W_STREAM + 1
WAKES = W_HOST + 1

_i = "i8"


def _fields(names: str) -> list[tuple[str, str]]:
    return [(n, _i) for n in names.split()]


#: An instruction, as far as time depends on it. ``n_o``, ``n_i``: VECTOR counts or LOAD/STORE runs and their length;
#: ``dyn``: bit 0 n_o (or rows), bit 1 n_i are the batch's rows; ``lines``: LOAD/STORE of fp32 lines, not blocks.
#: ``bad``: fields that are an OPERAND fault, bit 0 in inference, bit 1 in training contexts. An operand's addresses are
# : ``base + o*so + i*si`` (A of MATMUL: row and k; B: g and k), relocated by ``kind``, legal below ``depth``. ``room``:
# the largest
#: relocation of each kind with which every address is legal.
INSTR = np.dtype(
    [
        *_fields(
            "op last step wait signal bad dyn accum rows n_g n_k c_base c_sr c_sg n_o n_i v_mode lines d_base d_so "
            "d_iter"
        ),
        *((n, _i, (OPERANDS,)) for n in ("base", "so", "si", "depth", "kind")),
        ("room", _i, (RELOCATIONS,)),
    ]
)

#: Core and DRAM parameters.
PARAMS = np.dtype(
    _fields(
        "n m k lanes ctx c_inf services queue_depth rx_lines tx_lines group row_flight line_stage line_beats "
        "imem_depth latency gap bytes"
    )
)

#: Registers.
SERVICE = np.dtype(
    [
        *_fields("enable installed batch timeout threshold rx_lines tx_lines w_base c_base pc_valid"),
        ("pc", _i, (UNITS,)),
    ]
)
CONTEXT_CFG = np.dtype(
    [
        *_fields("vec_base acc_base actc_base w_base c_base dram_base pc_valid iters iter_mod"),
        ("pc", _i, (UNITS,)),
        ("sem_init", _i, (SEMS,)),
    ]
)
REGISTERS = np.dtype(
    [*_fields("policy accept reject train_rows"), ("svc", SERVICE, (SVC,)), ("ctx", CONTEXT_CFG, (CTX,))]
)

#: eqx_arb.
ARB = np.dtype([("prev", _i, (2,)), ("last_inf", _i)])

# : One stream of a context; ``state`` holds from cycle ``at`` on. ``ready``: cycle from which the head's waits are met,
# or -1.
STREAM = np.dtype(_fields("state at pc base iters iter ready"))
# : A context. ``since``: cycle from which LOADING or RUNNING shows; ``flying``: instructions issued and not complete;
# ``ended``: cycle from
# : which its last stream is at its end; ``over``: cycle of its next state. ``stop``, ``rank``, ``stop_cause``,
# ``stop_unit``: what stops it in
# : which cycle; ``killed``: while LOADING; ``ok``: its batch has results; ``quiet``: KILLING, cycle from which a unit
# has nothing of it.
#: ``signalled``: by unit, semaphores signalled in the cycle before ``signals``.
CONTEXT = np.dtype(
    [
        *_fields("state svc rows limit flying ended last_done steps seq tx_lines late held_inf held_trn"),
        *_fields("since over stop rank stop_cause stop_unit cause unit killed ok signals pc_valid"),
        ("request", _i, (BATCH_MAX,)),
        ("pc", _i, (UNITS,)),
        ("quiet", _i, (UNITS,)),
        ("signalled", _i, (UNITS,)),
        ("reloc", _i, (RELOCATIONS,)),
        ("sem", _i, (SEMS,)),
        ("nop", _i, (SEMS,)),
        ("stream", STREAM, (UNITS,)),
    ]
)
#: Completions under way: a ring a unit and context, in order of time.
DONE = np.dtype(
    [
        ("head", _i),
        ("count", _i),
        ("time", _i, (RING,)),
        ("signal", _i, (RING,)),
        ("step", _i, (RING,)),
        ("log", _i, (RING,)),
    ]
)

# : MMU: an instruction's loops; a loaded tile. ``act`` 2: the next tile's weights are beyond the memory, seen in
# ``bad_at``. ``far``: some
# : address may be beyond its memory; then A and B are here. ``fault_at``: faulty from then on, until killed;
# ``drop_at``: its tiles are dropped
#: in that cycle. A tile that is ``cut`` has a row beyond a memory behind its ``rows``.
MATMUL = np.dtype(
    _fields(
        "pend act rows chunk left n_g n_k g k accum c0 cg c_sr c_sg signal step log "
        "far a0 a_sr a_sk a_end b0 b_sg b_sk b_end c_end bad_at fault_at cause reported drop_at last_row"
    )
)
TILE = np.dtype(_fields("ctx rows c c_sr accum last cut signal step log"))
MMU_STATE = np.dtype(
    [
        ("arb", ARB),
        ("thread", MATMUL, (CTX,)),
        ("pending", INSTR, (CTX,)),
        ("pending_log", _i, (CTX,)),
        ("tile", TILE, (2, 2)),
        ("tiles", _i, (2,)),
        *_fields("port_free port_ctx last_load_inf owner cls since owner_idle held_row faults"),
        ("recent_at", _i, (4,)),
        ("recent_c", _i, (4,)),
    ]
)

# : VPU: the instruction at work, the one behind it, the class's segment in the address stage, instructions to complete,
# tiles
#: with columns left. Lines and columns are carried out up to cycle ``upto``.
# : ``far``: some address may be beyond its memory; ``cause``: a fault of its fields. ``line``: the segment's next line;
# ``left``: cycles of it
# : to come, of which the last is refused if it is ``cut``. ``stopped``, ``error``: faulty, takes nothing and reports
# from then on; ``adrift``:
# : last cycle in which something was dropped, or -1; ``drained``: last column taken; ``base``: not quiet before, while
# ``killed``.
VECTOR = np.dtype(
    [
        *_fields("valid at segments lines done v_mode signal step log cause far"),
        *((n, _i, (OPERANDS,)) for n in ("base", "so", "si", "depth")),
    ]
)
SEGMENT_V = np.dtype(_fields("ctx lines line left cut v_mode final signal step log"))
FINISH = np.dtype(
    [
        *_fields("head count settled last stopped error cause err_at adrift drained killed base"),
        *((n, _i, (FINISHES,)) for n in ("line", "own", "done", "signal", "step", "log")),
    ]
)
COLUMN_TILE = np.dtype(_fields("ctx left slot"))
VPU_STATE = np.dtype(
    [
        ("arb", ARB),
        ("work", VECTOR, (CTX,)),
        ("next", VECTOR, (CTX,)),
        ("finish", FINISH, (CTX,)),
        ("seg", SEGMENT_V, (2,)),
        ("tile", COLUMN_TILE, (2,)),
        *_fields("tiles upto faults"),
    ]
)

# : DMA: what one context of a unit holds. ``halt``: stopped from then on, by its error; ``flying``: ST, segments taken
# and not answered;
# : ``reported``: LD, last beat of its last burst, ST, its last report's response; ``base``: not quiet before, while
# ``killed``.
#: A burst is ``final`` if it is its segment's last, ``bad`` if the memory answers it with an error.
WALK = np.dtype(
    _fields(
        "prep prep_at prep_log walk walk_at walk_log runs addr piece piece_at piece_log beats words lines run_addr "
        "last_run signal step "
        "halt flying reported killed base"
    )
)
BURST = np.dtype(_fields("ctx beats ends final bad at signal step log"))
LD_STATE = np.dtype(
    [
        ("arb", ARB),
        ("walk", WALK, (CTX,)),
        ("prep", INSTR, (CTX,)),
        ("prep_iter", _i, (CTX,)),
        ("work", INSTR, (CTX,)),
        ("flight", BURST, (16,)),
        *_fields("head count halted"),
    ]
)
SEGMENT = np.dtype(
    [*_fields("ctx words addr beats lines ends signal step log bursts next"), ("burst", _i, (PIECES_ST,))]
)
ST_STATE = np.dtype(
    [
        ("arb", ARB),
        ("walk", WALK, (CTX,)),
        ("prep", INSTR, (CTX,)),
        ("prep_iter", _i, (CTX,)),
        ("work", INSTR, (CTX,)),
        ("seg", SEGMENT, (SEGMENTS,)),  # ring: oldest not completely sent first
        *_fields("seg_head seg_count halted"),
        *_fields("gather left word word_last word_beat exps used held"),  # gather, word, exps: ring places, -1 none
        *_fields("sent_count"),  # committed segments, from seg_head on
        ("stream", _i, (BURSTS,)),
        *_fields("stream_head stream_count"),
        ("flight", BURST, (BURSTS,)),
        *_fields("flight_head flight_count"),
        ("answer", _i, (BURSTS,)),
        *_fields("answer_head answer_count"),
    ]
)
DRAM_STATE = np.dtype(
    [
        *_fields("free wrote last_b write_first write_last err_lo err_hi"),
        ("read_at", _i, (BURSTS,)),
        ("read_beats", _i, (BURSTS,)),
        *_fields("read_head read_count"),
        ("write_at", _i, (BURSTS,)),
        ("write_beats", _i, (BURSTS,)),
        *_fields("write_head write_count"),
    ]
)

# : Requests: the receiver, queues, forming of batches, answers without payload. ``backlog``: cycle from which the
# stream was held, while
# : requests may wait behind it, or -1; ``over``: cycle from which a faulty request has ended that; ``since``: cycle
# from which a waiting request's age counts.
FRONT_STATE = np.dtype(
    [
        *_fields("next phase at backlog over"),  # receiver: next request of the schedule, cycle of its next event
        *_fields("slots offered offered_at freed freed_at"),
        ("level", _i, (SVC,)),
        ("head", _i, (SVC,)),
        ("known", _i, (SVC,)),
        ("request", _i, (SVC, QUEUE)),
        ("since", _i, (SVC, QUEUE)),
        *_fields("served next_decision take_at take_svc take_n"),
        *_fields("drained drained_at drop_at drop"),
        ("answer", _i, (ANSWERS,)),
        ("answer_at", _i, (ANSWERS,)),
        *_fields("answer_head answer_count"),
    ]
)
RESPONDER = np.dtype(_fields("busy at row was_answer served"))

#: A host that trains in whole steps (host.py): ``on``; its training context; its phase; its reaction times.
HOST = np.dtype(_fields("on ctx phase close start first poll open"))

STATE = np.dtype(
    [
        ("now", _i),
        ("mode", _i),
        ("mode_next", _i),
        ("mode_at", _i),
        ("ext", _i),
        ("batches", _i),
        ("logs", _i),
        ("steps", _i),
        ("states", _i),
        ("soon", _i, (WAKES,)),
        ("fetch_at", _i, (UNITS,)),
        ("nop_at", _i, (CTX,)),
        ("ctx_at", _i, (CTX,)),
        ("done_at", _i, (UNITS * CTX,)),
        ("stream_at", _i, (UNITS * CTX,)),
        ("p", PARAMS),
        ("reg", REGISTERS),
        ("ctx", CONTEXT, (CTX,)),
        ("fetched", _i, (UNITS,)),
        ("done", DONE, (UNITS, CTX)),
        ("mmu", MMU_STATE),
        ("vpu", VPU_STATE),
        ("ld", LD_STATE),
        ("st", ST_STATE),
        ("dram", DRAM_STATE),
        ("front", FRONT_STATE),
        ("resp", RESPONDER),
        ("host", HOST),
        ("busy", _i, (UNITS, CTX)),
    ]
)

#: A register write or command that acts from ``cycle`` on.
WRITE = np.dtype(_fields("cycle code index value"))
#: A request as the host offers it, and what became of it. ``lines``: payload beats sent. ``taken``: last beat received;
#: ``done``: last beat of its response; ``batch``: row of the batch log, or -1; ``status``: the answer's.
REQUEST = np.dtype(_fields("offered service lines taken batch row done status"))
# : A batch: cycle from which it could have been dispatched (full, or the oldest request's timeout), decision, first
# cycle of its
# : context's run, last cycle of work, first cycle of a response, closed. ``held_inf``, ``held_trn``: cycles in which
# work of it
#: was ready and a unit served another inference context, or training.
BATCH = np.dtype(_fields("ctx svc rows ready decided run end respond closed held_inf held_trn"))
# : An instruction: ``run`` is the batch (inference) or the iteration (training); offered: head of its stream with all
# waits met.
LOG = np.dtype(_fields("unit ctx pc run head met issue done"))
#: A context's state, from ``cycle`` on, with the cause and the unit of its error.
CHANGE = np.dtype(_fields("cycle ctx state cause unit"))
#: A training step.
STEP = np.dtype(_fields("cycle ctx count"))
