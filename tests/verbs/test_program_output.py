"""What is shown of a program that was tried out: its last lines, none with a piece of a secret."""

from ferrule.contract import Variable
from ferrule.verbs.program_output import SHOWN_LINES, hiding, last_lines, output_file, said_last

KEY = "-----BEGIN KEY-----\nhunter2\n-----END KEY-----"


def test_the_last_lines_of_much_are_shown() -> None:
    with output_file() as output:
        output.write("".join(f"line {number}\n" for number in range(100_000)).encode())
        output.flush()
        shown = last_lines(said_last(output)).splitlines()
    assert (len(shown), shown[0], shown[-1]) == (SHOWN_LINES, "line 99980", "line 99999")


def test_a_secret_of_several_lines_is_hidden_where_only_its_end_would_be_shown() -> None:
    hide = hiding((Variable(name="KEY", secret=True),), (("KEY", KEY),))
    said = f"the key is {KEY}\n" + "waiting\n" * (SHOWN_LINES - 2)
    assert "hunter2" in last_lines(said)
    assert last_lines(hide(said)) == "the key is ***\n" + "waiting\n" * (SHOWN_LINES - 2)
