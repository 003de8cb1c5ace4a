"""What stands on cargo's stdout: messages of its own, and whatever a macro prints there."""

import pytest

from ferrule.cargo.messages import PackageId, parse_message, parse_package_id


@pytest.mark.parametrize(
    "line",
    [b"", b"hello", b"[1]", b'{"cargo":"rustc"}', b'{"reason":7}', b'{"reason":"\xff"}', b"[" * 100_000],
)
def test_what_others_print_is_no_message(line: bytes) -> None:
    assert parse_message(line) is None


def test_a_message_says_what_was_made_and_of_which_package() -> None:
    line = (
        b'{"reason":"compiler-artifact","package_id":"path+file:///a/shop#0.1.0","filenames":["/t/x86/shop"]}'
    )
    message = parse_message(line)
    assert message is not None
    assert message.package == PackageId(name="shop", version="0.1.0")
    assert message.is_for("x86")
    assert not message.is_for("shop")


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("registry+https://example.com/index#libc@0.2.1", "libc", "0.2.1"),
        ("path+file:///a/shop#0.1.0", "shop", "0.1.0"),
        ("path+file:///a/my%20shop#0.1.0", "my shop", "0.1.0"),
        ("git+https://example.com/a/b?rev=1#name@1.0.0-rc.1+b", "name", "1.0.0-rc.1+b"),
        ("shop 0.1.0 (path+file:///a/shop)", "shop", "0.1.0"),
    ],
)
def test_a_package_id_has_a_name_and_a_version_in_each_form(text: str, name: str, version: str) -> None:
    assert parse_package_id(text) == PackageId(name=name, version=version)
