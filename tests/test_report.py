import io
import time

from ferrule.report import Terminal


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_plain_lines_without_a_terminal() -> None:
    stream = io.StringIO()
    report = Terminal(stream=stream)
    report.say("said")
    report.detail("detail")
    report.warn("careful")
    with report.step("quick"):
        pass
    assert stream.getvalue() == "said\nwarning: careful\n"


def test_details_and_steps_with_verbose() -> None:
    stream = io.StringIO()
    report = Terminal(stream=stream, verbose=True)
    report.detail("detail")
    with report.step("quick"):
        pass
    assert stream.getvalue() == "detail\nquick (0.0 s)\n"


def test_a_slow_step_is_a_line_and_a_live_one_is_wiped() -> None:
    plain, screen = io.StringIO(), Screen()
    for stream in (plain, screen):
        with Terminal(stream=stream).step("pushing"):
            time.sleep(0.55)
    assert plain.getvalue().startswith("pushing (0.")
    assert screen.getvalue().startswith("\r\x1b[K\x1b[2mpushing …\x1b[0m\r\x1b[K")


def test_nobody_reading_is_no_failure() -> None:
    stream = io.StringIO()
    report = Terminal(stream=stream)
    stream.close()
    report.say("into the void")
    assert stream.closed
