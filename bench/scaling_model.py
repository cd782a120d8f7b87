"""A model, not a measurement: what one run would take on more threads than the machine has.

    t(T) = s t(1) + (1 - s) t(1) sum_i w_i / min(T, g_i) + n f(T),   and at least  W / B

t(1), t(2)  measured; s, the serial share (Amdahl), is what they leave unexplained: the same formula solved for s at T = 2. A small
            difference of two times: the favourable bound takes the low end of the interval of t(2) / t(1), the other the high end
w_i, g_i    node i's share of the multiply-adds, and the threads that its work is worth: one for each GRAIN multiply-adds, the limit
            in kernels/cpu; where rows are shared out, all that there are rows for
n, f(T)     pieces of work of a run, a node each (1 where rows are shared out), and the time that T threads take to start and end one:
            measured f(2), a Team's piece (where rows are shared out, a parallel region of OpenMP's), grown by log2 T (a tree: the
            favourable bound) or by T / 2 (one line that all threads touch: the unfavourable one)
W, B        bytes of weights that a run reads, and memory bandwidth, the roofline's slanted part: a server's (data sheet), or no more than
            is measured here
"""

import math

GRAIN = 64 * 1024
SERVER_GB_S = 460.8  # 12 channels of DDR5-4800, a server socket's data sheet: 12 * 8 bytes * 4.8 GT/s


class Workload:
    """One bound. `one`, `two`: ms; `nodes`: multiply-adds of each for a row; `weights`: bytes; `rows` above 1 are shared out."""

    def __init__(self, one, two, nodes, weights, rows, meeting_us, favourable, gigabytes_per_second):
        self.one, self.rows, self.favourable = one, rows, favourable
        self.nodes = [node for node in nodes if node > 0]
        self.meetings = 1e-3 * meeting_us * (1 if rows > 1 else len(self.nodes))
        self.floor = 1e3 * weights / (1e9 * gigabytes_per_second)
        spread = self.spread(2)
        self.serial = min(1, max(0, (two - self.meetings - one * spread) / (one * (1 - spread))))

    def spread(self, threads):
        """The share of t(1) that the parallel part takes: sum_i w_i / min(T, g_i)."""
        if self.rows > 1:
            return math.ceil(self.rows / min(threads, self.rows)) / self.rows
        return sum(node / min(threads, max(1, node // GRAIN)) for node in self.nodes) / sum(self.nodes)

    def time(self, threads):
        if threads == 1:
            return self.one
        grown = math.log2(threads) if self.favourable else threads / 2
        return max(self.floor, self.one * (self.serial + (1 - self.serial) * self.spread(threads)) + self.meetings * grown)


def bounds(one, ratio, nodes, weights, rows, cost):
    """{"favourable", "unfavourable"}; `ratio`: t(2) / t(1), its median and interval; `cost`: of machine_costs, two threads."""
    work = nodes, weights, rows, cost["fork_join_us" if rows > 1 else "team_us"]
    return {"favourable": Workload(one, one * ratio[1], *work, True, SERVER_GB_S),
            "unfavourable": Workload(one, one * ratio[2], *work, False, cost["read_gb_s"])}
