"""A `Runner` for plans of several programs: a question that was asked before is answered from memory."""

import threading

from ferrule.process import Command, Finished, LineHandler, Runner

Question = tuple[object, ...]


class Asked:
    """For programs that only tell, such as `cargo metadata`: each is run once. Safe in threads."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._answers: dict[Question, Finished] = {}
        self._locks: dict[Question, threading.Lock] = {}
        self._lock = threading.Lock()

    def run(self, command: Command) -> Finished:
        """The answer, from the program or from memory; who asks the same meanwhile waits for it."""
        question = (command.argv, command.cwd, tuple(sorted(command.env.items())), command.stdin)
        with self._lock:
            lock = self._locks.setdefault(question, threading.Lock())
        with lock:
            if question not in self._answers:
                self._answers[question] = self._runner.run(command)
            return self._answers[question]

    def stream(self, command: Command, on_line: LineHandler) -> Finished:
        """What is streamed does something: it is run each time."""
        return self._runner.stream(command, on_line)
