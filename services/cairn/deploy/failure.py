"""What went wrong in a run, in words: host, task, reason and what to do next."""

import re
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]

# What a reason looks like, and what has helped then. The first that fits is told.
ADVICE = (
    (
        r"No space left on device",
        "Make room on that node's disk (df -h), then run ./cairn up again.",
    ),
    (
        r"Could not get lock|is another process using it|dpkg frontend lock",
        "Another package manager was at work; when it is done, run ./cairn up again.",
    ),
    (
        r"Temporary failure resolving|Could not resolve|Failed to fetch|Network is unreachable",
        "That node could not reach its package mirror: look at its network, DNS and proxy.",
    ),
    (r"[Aa]ddress already in use|port .* (taken|in use)", "Stop what holds that port (ss -tlnp)."),
    (r"node .* is not running|unreachable", "See if the node is up: ./cairn status"),
    (
        r"service .* failed because the control process|Unable to (re)?start service|"
        r"Job for .* failed",
        "Ask the node why: ./cairn ssh {host} journalctl -b -p warning -n 50",
    ),
)


@dataclass(frozen=True)
class Failure:
    host: str
    task: str
    reason: str

    @property
    def advice(self) -> str:
        for pattern, words in ADVICE:
            if re.search(pattern, self.reason):
                return words.format(host=self.host)
        if self.host == "localhost":
            return "Run ./cairn up again: it goes on from here. If it stops again: ./cairn doctor"
        return f"Look around: ./cairn ssh {self.host}. When it is mended, run ./cairn up again."


def from_event(event: Event) -> Failure:
    """A failed or unreachable event of Ansible's, told to a person."""
    data = event.get("event_data", {})
    task = data.get("task") or data.get("name") or "?"
    role = data.get("role")
    return Failure(
        host=data.get("host") or "?",
        task=f"{role} : {task}" if role else task,
        reason=reason(data.get("res") or {}),
    )


def reason(result: dict[str, Any]) -> str:
    """The sentence in a module's result that says why."""
    if result.get("censored"):
        return "hidden, as it may hold a secret; the node's journal may say more"
    items = [item for item in result.get("results", []) if isinstance(item, dict)]
    for item in items:
        if item.get("failed") or item.get("unreachable"):
            label = item.get("_ansible_item_label", item.get("item"))
            return f"{reason(item)} (at {label})" if label is not None else reason(item)
    said = _text(result.get("msg")).removeprefix("Task failed: ")
    # A command that failed says `non-zero return code`; why is in what it printed.
    printed = ""
    for stream in ("module_stderr", "stderr", "exception", "module_stdout", "stdout"):
        printed = printed or _tail(_text(result.get(stream)))
    dull = not said or said in ("non-zero return code", "MODULE FAILURE") or "exact error" in said
    if dull and printed:
        return printed if "rc" not in result else f"{printed} (exit code {result['rc']})"
    return said or "no reason was given; the log has everything"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(_text(part) for part in value)
    return "" if value is None else str(value).strip()


def _tail(text: str, lines: int = 3) -> str:
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
