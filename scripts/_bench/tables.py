"""The measurements as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cases import MEGABYTE, Case
from place import Figures
from programs import FLOOR, LIMIT, OURS, PEER

MARGIN = 1.1
"""The allowed ratio to the floor, where the floor itself misses the target."""
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


@dataclass(frozen=True)
class Result:
    """The measurements of one case."""

    case: Case
    rounds: Sequence[Mapping[str, Figures]]
    """The figures by program."""

    def of(self, program: str, figure: Callable[[Figures], float | None]) -> list[float]:
        """One figure of a program in each round that has it."""
        values = [figure(measured[program]) for measured in self.rounds if program in measured]
        return [value for value in values if value is not None]

    def ratios(self, program: str, figure: Callable[[Figures], float | None]) -> list[float]:
        """The ratio of a program's figure to the peer's, in each round."""
        return [
            mine / its
            for mine, its in zip(self.of(program, figure), self.of(PEER, figure), strict=False)
            if its
        ]

    @property
    def ratio(self) -> list[float]:
        """The ratios for which there is a target."""
        return self.ratios(OURS, FIGURES[self.case.figure])

    @property
    def target(self) -> float | None:
        """The highest allowed ratio: the case's target, or a little more than the floor where that is higher."""
        target, floor = self.case.target, self.ratios(FLOOR, FIGURES[self.case.figure])
        if target is None or not floor:
            return target
        return max(target, round(MARGIN * statistics.median(floor), 2))

    @property
    def memory(self) -> float:
        """The largest growth of the process in bytes."""
        return max(self.of(OURS, memory), default=0)

    @property
    def met(self) -> bool | None:
        """Whether the targets are met; None if there are none."""
        case = self.case
        if case.target is None and case.most_memory is None:
            return None
        return (
            # Rounded as in the table.
            (self.target is None or float(ratio(statistics.median(self.ratio))) <= self.target)
            and (case.most_memory is None or self.memory <= case.most_memory)
            and (case.most_requests is None or max(self.of(OURS, requests)) <= case.most_requests)
        )


def wall(figures: Figures) -> float:
    return figures.wall


def cpu(figures: Figures) -> float:
    return figures.cpu


def memory(figures: Figures) -> float | None:
    return figures.memory


def requests(figures: Figures) -> float:
    return figures.requests


def late(figures: Figures) -> float | None:
    return figures.late


def connections(figures: Figures) -> float | None:
    return figures.connections


def ledger(figures: Figures) -> float | None:
    return figures.ledger


def server(figures: Figures) -> float:
    return figures.server


FIGURES: Mapping[str, Callable[[Figures], float | None]] = {"wall": wall, "cpu": cpu, "requests": requests}


def targets(results: Iterable[Result]) -> str:
    """The ratios to the peer, with the targets and the limits."""
    lines = table(
        *("case", "wall", "cpu", "target", "met"),
        *(f"{FLOOR}, wall / cpu", "raw socket, wall / cpu", "memory or requests"),
    )
    for result in results:
        shown = {
            name: "–" if result.case.figure == "requests" else spread(result.ratios(OURS, FIGURES[name]))
            for name in ("wall", "cpu")
        }
        if result.case.target is not None:
            shown[result.case.figure] = f"**{shown[result.case.figure]}**"
        lines += row(
            result.case.title,
            shown["wall"],
            shown["cpu"],
            wanted(result),
            met(result),
            least(result, FLOOR),
            least(result, LIMIT),
            more(result),
        )
    return "\n".join(lines)


def figures(results: Iterable[Result]) -> str:
    """The figures of every program, and its ratios to the peer."""
    lines = table(
        *("case", "program", "wall", "cpu", "wall ratio", "cpu ratio"),
        *("extra memory", "requests", "noticed late", "server's cpu"),
    )
    for result in results:
        for program in dict.fromkeys(name for measured in result.rounds for name in measured):
            name = result.case.beside if program == PEER else program
            # Meaningless in simulated time.
            shown = () if result.case.figure == "requests" else (wall, cpu)
            seconds = [time(result.of(program, each)) for each in shown] or ["", ""]
            ratios = ["" if program == PEER else spread(result.ratios(program, each)) for each in shown] or [
                "",
                "",
            ]
            grown, lateness = result.of(program, memory), result.of(program, late)
            lines += row(
                *(result.case.title, name, *seconds, *ratios),
                f"{max(grown) / MEGABYTE:.0f} MB" if grown else "",
                f"{max(result.of(program, requests)):,.0f}" if is_counted(result.case) else "",
                f"{lateness[0]:.1f} s" if lateness else "",
                time(result.of(program, server)) if shown else "",
            )
    return "\n".join(lines)


def compact(results: Iterable[Result], conditions: str) -> str:
    """The table for the guide on speed: a row for every target."""
    lines = table("case", "ratio (least to most)", "target", FLOOR, "besides")
    for result in results:
        if result.case.target is not None:
            shown = f"{result.case.figure} **{spread(result.ratio)}**"
            floor = result.ratios(FLOOR, FIGURES[result.case.figure])
            lines += row(
                *(result.case.title, shown, wanted(result)),
                ratio(statistics.median(floor)) if floor else "",
                more(result),
            )
    return "\n".join([*lines, "", conditions])


def put(text: str, block: str) -> str:
    """Replaces the block between the two marks of a text. Raises `ValueError` if a mark is missing."""
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"{END}\n")
    if not begin or not end:
        raise ValueError(f"lines {BEGIN} and {END} must mark the place of the table")
    return f"{before}{begin}{block}\n{end}{after}"


def least(result: Result, program: str) -> str:
    """The ratios of a program that does less than the others."""
    ratios = [result.ratios(program, FIGURES[name]) for name in ("wall", "cpu")]
    return " / ".join(ratio(statistics.median(found)) for found in ratios if found)


def table(*names: str) -> list[str]:
    return [*row(*names), *row(*("---" for _ in names))]


def row(*cells: str) -> list[str]:
    return [f"| {' | '.join(cells)} |"]


def wanted(result: Result) -> str:
    case, target = result.case, result.target
    parts = [f"≤ {target:.2f}"] if target is not None else []
    if target != case.target:
        parts[0] += f" (the floor; {case.target:.2f} can't be reached)"
    if case.most_memory is not None:
        parts.append(f"≤ {case.most_memory / MEGABYTE:.0f} MB")
    if case.most_requests is not None:
        parts.append(f"≤ {case.most_requests} requests")
    return ", ".join(parts)


def met(result: Result) -> str:
    return {None: "", True: "yes", False: "**no**"}[result.met]


def more(result: Result) -> str:
    """Memory or requests beside those of the peer; for a catalogue, the figures of one track."""
    if result.case.is_catalogue:
        each = max(result.of(OURS, requests)) / result.case.count
        return (
            f"{each:.2f} requests and {max(result.of(OURS, ledger)):,.0f} B of ledger a track,"
            f" {max(result.of(OURS, connections)):.0f} connections, {result.memory / MEGABYTE:.0f} MB more memory"
        )
    if is_counted(result.case):
        mine, its = (max(result.of(program, requests)) for program in (OURS, PEER))
        return f"{mine:,.0f} requests, not {its:,.0f}"
    if result.case.most_memory is not None and (its_memory := result.of(PEER, memory)):
        return f"{result.memory / MEGABYTE:.0f} MB more memory, not {max(its_memory) / MEGABYTE:.0f}"
    return ""


def is_counted(case: Case) -> bool:
    """Whether the number of requests is meaningful."""
    return case.most_requests is not None or case.figure == "requests"


def spread(ratios: Sequence[float]) -> str:
    """The median with the range."""
    if not ratios:
        return ""
    middle = ratio(statistics.median(ratios))
    return middle if len(ratios) == 1 else f"{middle} ({ratio(min(ratios))}–{ratio(max(ratios))})"


def ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.095 else f"{value:.2g}"


def time(seconds: Sequence[float]) -> str:
    middle = statistics.median(seconds)
    return f"{middle:.2f} s" if middle >= 1 else f"{middle * 1000:.3g} ms"
