"""Reading projects: real cargo, no build."""

import itertools
from pathlib import Path

import pytest

from ferrule.cargo.metadata import read_project
from ferrule.cargo.plan import CargoOptions
from ferrule.errors import BuildError, ProjectError
from ferrule.process import SystemRunner
from tests.cargo_projects import manifest, prepared, write_files, write_project


def refusal(place: Path) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        read_project(SystemRunner(), place)
    assert "\n" not in caught.value.message
    return caught.value


def test_a_broken_manifest_gives_cargo_s_reason_and_its_place_in_one_line(tmp_path: Path) -> None:
    write_project(tmp_path, {"Cargo.toml": '[package]\nname = "x\n'})
    message = refusal(tmp_path).message
    assert message.startswith("Cargo.toml:2:")
    assert "invalid basic string" in message


def test_a_broken_configuration_is_named(tmp_path: Path) -> None:
    place = write_project(tmp_path, {".cargo/config.toml": "[build\n"})
    message = refusal(place).message
    assert f"{place}/.cargo/config.toml" in message
    assert "unclosed table" in message
    write_files(place, {".cargo/config.toml": "[build]\nrustflags = 3\n"})
    assert f"{place}/.cargo/config.toml" in refusal(place).message


def test_a_cargo_toml_may_be_a_link(tmp_path: Path) -> None:
    write_project(tmp_path / "a")
    (tmp_path / "a" / "Cargo.toml").rename(tmp_path / "shared.toml")
    (tmp_path / "a" / "Cargo.toml").symlink_to("../shared.toml")
    assert read_project(SystemRunner(), tmp_path / "a").manifest == tmp_path / "a" / "Cargo.toml"


def test_a_folder_that_is_not_there_is_called_so(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere").message == f"there is no {tmp_path}/nowhere"


def test_a_broken_choice_of_a_toolchain_comes_with_the_place_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write_project(tmp_path, {"rust-toolchain.toml": "[toolchain]\nchanel = 3\n"})
    assert refusal(place).hint == "mend rust-toolchain.toml"
    monkeypatch.setenv("RUSTUP_TOOLCHAIN", "toolchain-of-nobody")
    assert refusal(place).hint.endswith("unset RUSTUP_TOOLCHAIN")


def test_a_pinned_toolchain_that_is_missing_comes_with_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSTUP_AUTO_INSTALL", "0")
    write_project(tmp_path, {"rust-toolchain.toml": '[toolchain]\nchannel = "1.60.0"\n'})
    with pytest.raises(ProjectError, match="is not installed") as caught:
        read_project(SystemRunner(), tmp_path)
    assert caught.value.hint.startswith("rustup toolchain install 1.60.0")


def test_only_unset_keys_of_the_profile_are_added(tmp_path: Path) -> None:
    write_project(
        tmp_path, {"Cargo.toml": manifest(extra='[profile.release]\ncodegen-units = 4\nlto = "thin"\n')}
    )
    profile = prepared(tmp_path).plan.profile
    assert [add.key for add in profile.additions] == ["strip"]
    assert profile.kept == ("codegen-units",)
    assert profile.flags == ("--config", 'profile.release.strip="symbols"')


@pytest.mark.parametrize("place", ["environment", "configuration", "inherited"])
def test_keys_set_elsewhere_stay_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    write_project(tmp_path)
    options = CargoOptions()
    if place == "environment":
        monkeypatch.setenv("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "7")
    elif place == "configuration":
        write_project(tmp_path, {".cargo/config.toml": "[profile.release]\ncodegen-units = 7\n"})
    else:
        text = '[profile.release]\ncodegen-units = 7\n[profile.ship]\ninherits = "release"\n'
        write_project(tmp_path, {"Cargo.toml": manifest(extra=text)})
        options = CargoOptions(profile="ship")
    assert prepared(tmp_path, cargo=options).plan.profile.kept == ("codegen-units",)


@pytest.mark.parametrize("place", ["environment", "configuration"])
def test_keys_of_the_profile_that_one_inherits_from_stay_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    text = '[profile.ship]\ninherits = "release"\n'
    write_project(tmp_path, {"Cargo.toml": manifest(extra=text)})
    if place == "environment":
        monkeypatch.setenv("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "7")
    else:
        write_files(tmp_path, {".cargo/config.toml": "[profile.release]\ncodegen-units = 7\n"})
    assert prepared(tmp_path, cargo=CargoOptions(profile="ship")).plan.profile.kept == ("codegen-units",)


def test_a_profile_may_stand_in_the_configuration_alone(tmp_path: Path) -> None:
    text = '[profile.ship]\ninherits = "release"\nstrip = "none"\n'
    write_project(tmp_path, {".cargo/config.toml": text})
    profile = prepared(tmp_path, cargo=CargoOptions(profile="ship")).plan.profile
    assert (profile.name, profile.kept) == ("ship", ("strip",))


def test_a_project_that_wants_debug_information_is_not_stripped(tmp_path: Path) -> None:
    write_project(tmp_path, {"Cargo.toml": manifest(extra="[profile.release]\ndebug = 1\n")})
    assert [add.key for add in prepared(tmp_path).plan.profile.additions] == ["codegen-units"]


def test_an_unknown_profile_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    write_project(tmp_path, {"Cargo.toml": manifest(extra='[profile.ship]\ninherits = "release"\n')})
    with pytest.raises(ProjectError) as caught:
        prepared(tmp_path, cargo=CargoOptions(profile="shipp"))
    assert caught.value.hint == "there is release, ship"


@pytest.mark.parametrize(
    ("config", "environment", "expected"),
    [
        ("", {}, ()),
        ('[build]\nrustflags = ["-C", "target-cpu=x86-64-v2"]\n', {}, ("-C", "target-cpu=x86-64-v2")),
        (
            '[target.\'cfg(target_os = "linux")\']\nrustflags = "--cfg a --cfg b"\n',
            {},
            ("--cfg", "a", "--cfg", "b"),
        ),
        ('[build]\nrustflags = ["--cfg", "a"]\n', {"RUSTFLAGS": "--cfg b"}, ("--cfg", "b")),
        ("", {"CARGO_ENCODED_RUSTFLAGS": '--cfg\x1fa="x y"'}, ("--cfg", 'a="x y"')),
    ],
)
def test_the_project_s_own_flags_are_what_cargo_says_they_are(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: str,
    environment: dict[str, str],
    expected: tuple[str, ...],
) -> None:
    write_project(tmp_path, {".cargo/config.toml": config} if config else {})
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    plan = prepared(tmp_path).plan
    assert plan.rustflags == expected
    encoded = plan.command(static=False, colour=False).env["CARGO_ENCODED_RUSTFLAGS"]
    assert encoded is not None
    assert encoded.split("\x1f")[: len(expected)] == list(expected)
    assert f"--remap-path-prefix={tmp_path}=/src" in encoded.split("\x1f")


def test_flags_that_rustc_refuses_come_with_rustc_s_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSTFLAGS", "--of-nobody")
    with pytest.raises(BuildError, match="cargo does not say which flags are set: Unrecognized option"):
        prepared(write_project(tmp_path))


def test_c_flags_are_added_to_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFLAGS", "-O3")
    env = prepared(write_project(tmp_path)).plan.command(static=True, colour=False).env
    name = next(key for key in env if key.startswith("CFLAGS_"))
    assert str(env[name]).startswith(f"-O3 -ffile-prefix-map={tmp_path}=/src") or "-O3" in str(env[name])
    assert f"-ffile-prefix-map={tmp_path}=/src" in str(env[name])


def test_a_folder_with_a_blank_in_its_name_does_not_break_c_compilers(tmp_path: Path) -> None:
    remap = prepared(write_project(tmp_path / "my project")).plan.remap
    assert f"--remap-path-prefix={tmp_path}/my project=/src" in remap.rustflags
    assert "my project" not in remap.cflags
    assert remap.cflags.startswith("-ffile-prefix-map=")


def test_link_flags_reach_the_final_crate_only(tmp_path: Path) -> None:
    command = prepared(write_project(tmp_path)).plan.command(static=True, colour=False)
    assert command.argv[-3:] == ("--", "-C", "target-feature=+crt-static")
    assert "crt-static" not in str(command.env["CARGO_ENCODED_RUSTFLAGS"])
    assert "--" not in prepared(tmp_path).plan.command(static=False, colour=False).argv


def test_cargo_s_flags_are_passed_on(tmp_path: Path) -> None:
    options = CargoOptions(
        features=("a", "b"), no_default_features=True, locked=True, offline=True, jobs=3, verbose=1
    )
    argv = prepared(write_project(tmp_path), cargo=options).plan.command(static=True, colour=True).argv
    for flags in (("--features", "a"), ("--features", "b"), ("-j", "3")):
        assert flags in list(itertools.pairwise(argv))
    assert {"--no-default-features", "--locked", "--offline", "-v"} <= set(argv)
    assert "--message-format=json-diagnostic-rendered-ansi" in argv
