"""Sources that listen, as frameworks are used, and the ports and paths that are seen in each."""

from pathlib import Path

import pytest

from ferrule.cargo.listening import addresses, health_route
from ferrule.cargo.variables import read_source, scan


def listening(folder: Path, code: str) -> list[tuple[int, bool]]:
    (folder / "main.rs").write_text(f"fn main() {{ {code} }}")
    sources = (read_source(folder / "main.rs", "main.rs"),)
    return [(each.port, each.is_loopback) for each in addresses(sources, scan(sources).reads)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('TcpListener::bind("0.0.0.0:3000")', [(3000, False)]),
        ('bind(("127.0.0.1", 8080))', [(8080, True)]),
        ("run(([0, 0, 0, 0], 3030))", [(3030, False)]),
        ('"[::1]:50051".parse()', [(50051, True)]),
        ("SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8081))", [(8081, False)]),
        ("SocketAddr::new(IpAddr::V4(Ipv4Addr::new(0, 0, 0, 0)), 8082)", [(8082, False)]),
        ("bind((std::net::Ipv6Addr::LOCALHOST, 8083))", [(8083, True)]),
        ('connect("127.0.0.1:6379")', []),
        ('connect("localhost:5432")', []),
        ('let to = env::var("REDIS_ADDR").unwrap_or("127.0.0.1:7000".into())', []),
        ('let on = env::var("LISTEN_ADDR").unwrap_or("127.0.0.1:7000".into())', [(7000, True)]),
        ("Duration::new(3, 4000); f((a, 80)); g((1, 2, 3))", []),
    ],
)
def test_addresses(tmp_path: Path, code: str, expected: list[tuple[int, bool]]) -> None:
    assert listening(tmp_path, code) == expected


@pytest.mark.parametrize(
    ("code", "route"),
    [
        ('route("/healthz", get(ok))', "/healthz"),
        ('warp::path!("health").map(ok)', "/health"),
        ('warp::path("ping").map(ok)', "/ping"),
        ('warp::path!("health" / u32)', None),
        ('println!("health")', None),
    ],
)
def test_health_routes(tmp_path: Path, code: str, route: str | None) -> None:
    (tmp_path / "main.rs").write_text(f"fn main() {{ {code} }}")
    found = health_route((read_source(tmp_path / "main.rs", "main.rs"),))
    assert (found and found.route) == route
