import io
import re
import time

from ferrule.report import Later, Terminal


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
    assert re.fullmatch(r"detail\nquick \(\d+\.\d s\)\n", stream.getvalue())


def test_a_slow_step_is_a_line_and_a_live_one_is_wiped() -> None:
    plain, screen = io.StringIO(), Screen()
    for stream in (plain, screen):
        with Terminal(stream=stream).step("pushing"):
            time.sleep(0.55)
    assert re.fullmatch(r"pushing \(\d+\.\d s\)\n", plain.getvalue())
    assert screen.getvalue().startswith("\r\x1b[K\x1b[2mpushing …\x1b[0m\r\x1b[K")


def test_names_of_strangers_steer_no_terminal() -> None:
    screen = Screen()
    report = Terminal(stream=screen, verbose=True)
    name = "a\x1b]0;title\x07\rb\u202e"
    report.say(f"{name}\nline")
    report.detail(name)
    report.warn(name)
    with report.step(name):
        pass
    report.raw("\x1b[1mits own\x1b[0m\n")
    said = screen.getvalue().replace("\r\x1b[K", "").replace("\x1b[33;1mwarning:\x1b[0m ", "")
    clean = "a\ufffd]0;title\ufffd\ufffdb\ufffd"
    assert said == (
        f"{clean}\nline\n{clean}\n{clean}\n\x1b[2m{clean} …\x1b[0m{clean} (0.0 s)\n\x1b[1mits own\x1b[0m\n"
    )


def test_nobody_reading_is_no_failure() -> None:
    stream = io.StringIO()
    report = Terminal(stream=stream)
    stream.close()
    report.say("into the void")
    assert stream.closed


def test_what_is_said_later_comes_in_its_order_under_its_name() -> None:
    stream = io.StringIO()
    later = Later(Terminal(stream=stream))
    with later.step("working"):
        later.say("one")
        later.warn("two")
        later.raw("as it is\n")
        later.detail("only with -v")
    assert stream.getvalue() == ""
    later.tell("shop")
    later.tell("shop")
    assert stream.getvalue() == "shop: one\nwarning: shop: two\nas it is\n"
