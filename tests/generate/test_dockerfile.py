"""The Dockerfile as text: what is in it for which service."""

import pytest
from msgspec.structs import replace

from ferrule.contract import Variable
from ferrule.errors import ProjectError
from ferrule.generate import dockerfile
from ferrule.generate.build_facts import Build, Program, Taken
from ferrule.generate.service import Service
from ferrule.health import Health
from ferrule.values import Port, User
from tests.generate.dockerfile_reader import instructions, rests

TINY = Service(name="tiny", build=Build(rust="1.95.0", programs=(Program(package="tiny", binary="tiny"),)))
FULL = Service(
    name="shop",
    package="shop",
    version="0.4.2",
    image="ghcr.io/acme/shop:0.4.2",
    platforms=("linux/amd64", "linux/arm64"),
    contract=(
        Variable(name="BANNER", default='a "b" $c \\ d'),
        Variable(name="POEM", default="a\nb"),
        Variable(name="URL", required=True, secret=True),
    ),
    args=("serve", "two words", "$HOME", "a\nb"),
    ports=(Port(number=80), Port(number=53, protocol="udp")),
    health=Health(path="/health", live="/live", interval=1.5, expect=200),
    volumes=("/data", "/tmp", "/var/lib/a $b"),
    workdir="/work dir",
    user=User(uid=1000, gid=1001),
    stop_signal="SIGINT",
    init=True,
    capabilities=("NET_BIND_SERVICE",),
    build=Build(
        rust="1.95.0",
        has_toolchain_file=True,
        programs=(Program(package="shop", binary="shop"), Program(package="admin", binary="shop-admin")),
        link_reason="nothing in the graph needs a shared library at run time",
        certificates=True,
        zones=True,
        profile=(("codegen-units", "1"), ("strip", "symbols")),
        has_sqlx_data=True,
        has_jemalloc=True,
        tools=("cmake", "g++"),
        labels=(("org.opencontainers.image.title", "shop"), ("org.example.motto", 'sells "it"')),
        files=(
            Taken(source="crates/shop/static", target="/app/static"),
            Taken(source="crates/shop", pattern=("assets", "**", "*.css"), target="/data/css"),
            Taken(source=".env.public", target="/tmp/env"),
        ),
    ),
)


TIMES = "--interval=1.5s --timeout=5s --start-period=10s --retries=3"
PROBE = '["/.ferrule/probe", "-t", "4500", "-e", "200", "http://localhost:80/health"]'


def build_of(service: Service, **changes: object) -> Service:
    assert service.build is not None
    return replace(service, build=replace(service.build, **changes))


def text_of(service: Service, path: str = "Dockerfile") -> str:
    return next(draft.text for draft in dockerfile.drafts(service) if draft.path == path)


def last_stage(service: Service) -> list[tuple[str, str]]:
    found = instructions(text_of(service))
    start = max(number for number, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def test_a_service_with_everything() -> None:
    assert [pair for pair in last_stage(FULL) if pair[0] != "LABEL"] == [
        ("FROM", "scratch"),
        ("COPY", "--from=skeleton /image/ /"),
        ("COPY", "--from=aids /image/ /"),
        ("COPY", "--from=files /image/ /"),
        ("COPY", "--from=builder /image/ /"),
        ("ENV", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"),
        ("ENV", r'BANNER="a \"b\" \$c \\ d"'),
        ("WORKDIR", '"/work dir"'),
        ("USER", "1000:1001"),
        ("EXPOSE", "80/tcp"),
        ("EXPOSE", "53/udp"),
        ("VOLUME", r'["/data", "/tmp", "/var/lib/a \\$b"]'),
        ("STOPSIGNAL", "SIGINT"),
        (
            "HEALTHCHECK",
            f"{TIMES}   CMD {PROBE}",
        ),
        ("ENTRYPOINT", '["/.ferrule/init", "--", "/app/shop"]'),
        ("CMD", r'["serve", "two words", "$HOME", "a\nb"]'),
    ]
    assert "# POEM has a default of several lines" in text_of(FULL)
    assert "URL" not in text_of(FULL)


def test_a_service_with_a_name_and_nothing_else() -> None:
    assert last_stage(TINY) == [
        ("FROM", "scratch"),
        ("COPY", "--from=skeleton /image/ /"),
        ("COPY", "--from=builder /image/ /"),
        ("WORKDIR", "/app"),
        ("USER", "65532:65532"),
        ("STOPSIGNAL", "SIGTERM"),
        ("ENTRYPOINT", '["/app/tiny"]'),
    ]
    assert [draft.path for draft in dockerfile.drafts(TINY)] == ["Dockerfile", ".dockerignore"]
    assert rests(text_of(TINY), "FROM")[0] == "rust:1.95.0-slim-bookworm AS toolchain"


def test_the_flag_for_the_link_reaches_the_last_crate_alone() -> None:
    (cargo,) = (rest for rest in rests(text_of(TINY), "RUN") if "cargo rustc" in rest)
    assert "cargo rustc --release --locked --package tiny --bin tiny" in cargo
    assert '--target "$TRIPLE" --target-dir /target       -- -C target-feature=+crt-static' in cargo
    assert "RUSTFLAGS" not in text_of(FULL)
    assert "--locked" not in text_of(build_of(TINY, is_locked=False))
    assert 'TRIPLE="$(rustc -vV)"' in text_of(build_of(TINY, has_printed_host=False))


def test_two_platforms_are_compiled_on_one() -> None:
    found = rests(text_of(FULL), "FROM")
    assert found[0] == "--platform=$BUILDPLATFORM rust:1.95.0-slim-bookworm AS rust"
    assert "for-$TARGETARCH AS toolchain" in found
    assert "JEMALLOC_SYS_WITH_LG_PAGE=16" in text_of(FULL)
    emulated = text_of(build_of(FULL, link="dynamic", base="distroless"))
    assert "under emulation" in emulated
    assert rests(emulated, "FROM")[0] == "rust:1.95.0-slim-bookworm AS toolchain"


def test_dependencies_in_layers_of_their_own() -> None:
    text = text_of(build_of(TINY, cache="chef"))
    assert "--mount" not in text
    assert "cargo chef cook --release --locked --recipe-path /recipe.json --package tiny" in text
    assert text.index("cargo chef cook") < text.index("cargo rustc")
    assert "cargo chef" not in text_of(TINY)


@pytest.mark.parametrize(
    ("base", "static", "image"),
    [
        ("scratch", True, "scratch"),
        ("distroless", True, "gcr.io/distroless/static-debian12:nonroot"),
        ("distroless", False, "gcr.io/distroless/cc-debian12:nonroot"),
        ("debian", False, "debian:bookworm-slim"),
        ("ghcr.io/acme/base:1", False, "ghcr.io/acme/base:1"),
    ],
)
def test_every_base(base: str, *, static: bool, image: str) -> None:
    programs = (Program(package="tiny", binary="tiny", static=static),)
    service = build_of(TINY, base=base, link="static" if static else "dynamic", programs=programs)
    assert last_stage(service)[0] == ("FROM", image)
    assert ("crt-static" in text_of(service)) is static
    assert ("AS skeleton" in text_of(service)) is (base == "scratch")


def test_a_debian_gets_the_libraries_that_the_program_links() -> None:
    service = build_of(TINY, base="debian", link="dynamic", libraries=("libpq5",), certificates=True)
    _, (name, run), *_ = last_stage(service)
    assert name == "RUN"
    assert "apt-get install --yes --no-install-recommends ca-certificates libpq5" in run
    assert "echo 'app:x:65532:65532:app:/:/sbin/nologin' >> /etc/passwd" in run


def test_a_base_that_nobody_knows_gets_ca_roots_and_zones() -> None:
    service = build_of(TINY, base="ghcr.io/acme/base:1", certificates=True)
    assert "# What programs expect around them: CA roots." in text_of(service)
    assert ("COPY", "--from=skeleton /image/ /") in last_stage(service)
    assert "/etc/passwd" not in text_of(service)
    assert "AS skeleton" not in text_of(build_of(service, base="distroless"))


def test_the_name_to_build_under_has_no_digest() -> None:
    service = replace(TINY, image=f"ghcr.io/acme/tiny@sha256:{'0' * 64}")
    assert "docker build -t ghcr.io/acme/tiny ." in text_of(service)


def test_a_label_that_no_dockerfile_can_hold_is_named() -> None:
    text = text_of(build_of(TINY, labels=(("a=b", "c"), ("d", "e=f"))))
    assert rests(text, "LABEL") == ["d=e=f"]
    assert "# The label a=b is left out" in text


def test_musl_is_said_to_be_slow_and_has_its_target() -> None:
    programs = (Program(package="tiny", binary="tiny", static=False),)
    text = text_of(build_of(TINY, link="musl", programs=programs))
    assert 'rustup target add "$(uname -m)-unknown-linux-musl"' in text
    assert "crt-static" not in "".join(rest for rest in rests(text, "RUN") if "cargo" in rest)
    assert "musl's own allocator is slow" in text


def test_a_compiler_that_no_image_holds_comes_by_rustup() -> None:
    text = text_of(build_of(TINY, rust="nightly"))
    assert rests(text, "FROM")[0] == "rust:1-slim-bookworm AS toolchain"
    assert "RUSTUP_TOOLCHAIN=nightly" in rests(text, "ENV")
    assert "RUSTUP_TOOLCHAIN=1.95.0" in rests(text_of(FULL), "ENV")
    assert "RUSTUP_TOOLCHAIN" not in text_of(TINY)


def test_the_probe_comes_as_source() -> None:
    drafts = {draft.path: draft for draft in dockerfile.drafts(FULL)}
    assert set(drafts) == {
        "Dockerfile",
        ".dockerignore",
        "deploy/docker/probe.rs",
        "deploy/docker/init.rs",
        "deploy/docker/sys.rs",
    }
    assert drafts["deploy/docker/sys.rs"].comment == "//"
    assert "#![no_std]" in drafts["deploy/docker/probe.rs"].text
    asks_itself = replace(TINY, health=Health(command=("/app/tiny", "--check")))
    assert ("HEALTHCHECK", 'CMD ["/app/tiny", "--check"]') in [
        (name, rest.partition("  ")[2].strip()) for name, rest in last_stage(asks_itself)
    ]
    assert len(dockerfile.drafts(asks_itself)) == 2


def test_a_processor_without_an_init_is_refused() -> None:
    with pytest.raises(ProjectError, match="no init for linux/s390x"):
        dockerfile.drafts(replace(FULL, platforms=("linux/s390x",)))
    probed = replace(FULL, platforms=("linux/s390x",), init=False)
    assert "HEALTHCHECK" not in text_of(probed)


def test_what_the_build_needs_is_not_ignored() -> None:
    lines = text_of(FULL, ".dockerignore").splitlines()
    assert "/target" in lines
    assert "**/.git" in lines
    assert "**/.env.*" in lines
    assert lines.index("!/.env.public") > lines.index("**/.env.*")
    assert not any(".sqlx" in line or "migrations" in line or ".cargo" in line for line in lines)
    assert "/out/cargo" in text_of(build_of(TINY, target_folder="out/cargo"), ".dockerignore").splitlines()
    assert "/target" in text_of(build_of(TINY, target_folder="out"), ".dockerignore").splitlines()
    elsewhere = build_of(TINY, target_folder=None)  # by the CARGO_TARGET_DIR of one machine
    assert text_of(elsewhere, ".dockerignore") == text_of(TINY, ".dockerignore")
    site = (Taken(source="target/site", target="/app/site"),)
    assert "!/target/site" in text_of(build_of(TINY, files=site), ".dockerignore").splitlines()


def test_builds_side_by_side_do_not_unpack_the_same_crates() -> None:
    compiled = next(rest for rest in rests(text_of(TINY), "RUN") if "cargo rustc" in rest)
    for folder in ("registry", "git"):
        assert f"--mount=type=cache,sharing=locked,target=/usr/local/cargo/{folder} " in compiled


def test_a_missing_lock_file_is_said() -> None:
    assert "no Cargo.lock" not in text_of(TINY)
    text = text_of(build_of(TINY, is_locked=False))
    assert "# There was no Cargo.lock" in text
    assert "--locked" not in text


@pytest.mark.parametrize(
    ("folder", "copied", "file"),
    [
        (
            "deploy/shop",
            "deploy/shop/deploy/docker/probe.rs deploy/shop/deploy/docker/sys.rs ./",
            "deploy/shop/Dockerfile",
        ),
        ("a b", '["a b/deploy/docker/probe.rs", "a b/deploy/docker/sys.rs", "./"]', "'a b/Dockerfile'"),
    ],
)
def test_in_a_folder_of_the_project_it_has_the_paths_of_its_root(folder: str, copied: str, file: str) -> None:
    service = build_of(replace(TINY, health=Health(path="/"), ports=(Port(number=80),)), folder=folder)
    assert copied in rests(text_of(service), "COPY")
    assert f"#   docker build -f {file} -t tiny:0.0.0 .\n" in text_of(service)
    assert {draft.path for draft in dockerfile.drafts(service)} >= {"Dockerfile", "Dockerfile.dockerignore"}
