"""Services for the kinds that deploy one: everything that can be said of it, nothing but a name, and values
that hypothesis makes."""

from hypothesis import strategies as st

from ferrule.contract import Variable
from ferrule.database import Database
from ferrule.generate.service import Service
from ferrule.health import Health
from ferrule.values import Port, User

DIGEST = f"sha256:{'ab' * 32}"
FULL = Service(
    name="shop",
    package="shop",
    version="0.4.2+build.1",
    description='Sells 100 % "of it"',
    image=f"ghcr.io/acme/shop@{DIGEST}",
    platforms=("linux/arm64",),
    contract=(
        Variable(name="RUST_LOG", default="info"),
        Variable(name="APP_TOKEN", secret=True),
        Variable(name="APP_DATABASE_URL", required=True, secret=True, type="url"),
        Variable(name="APP_CACHE", type="url", example="redis://cache/0"),
    ),
    args=("serve", "two words", "$(HOME) 100%"),
    ports=(Port(number=3000), Port(number=53, protocol="udp"), Port(number=53)),
    health=Health(path="/health", live="/live?a=b%20c&d=$(e)", header="Host: shop.example.com"),
    files=(("static", "/app/static"),),
    migrations="migrations",
    migrate=("migrate", "$(ALL) of it", "--to=last"),
    database=Database(version="16", url_env="APP_DATABASE_URL"),
    volumes=("/data", "/var/lib/a b"),
    user=User(uid=20000, gid=20001),
    stop_signal="SIGINT",
    init=True,
    capabilities=("NET_BIND_SERVICE",),
)
TINY = Service(name="tiny", image="tiny:0.1.0")
SERVICES = (FULL, TINY)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Z", "Cc"], exclude_characters="\0="), min_size=1, max_size=12
)
PORTS = st.builds(Port, number=st.integers(1, 65535), protocol=st.sampled_from(("tcp", "udp", "sctp")))
HEALTHS = (
    st.none()
    | st.builds(
        Health,
        path=TEXTS.map(lambda text: f"/{text}"),
        port=st.none() | st.integers(1, 65535),
        expect=st.none() | st.integers(200, 599),
        header=st.none() | TEXTS.map(lambda text: f"X-A:{text}"),
        live=st.none() | TEXTS.map(lambda text: f"/{text}"),
        interval=st.floats(0.1, 86400),
        timeout=st.floats(0.1, 86400),
        start_period=st.floats(0, 86400),
        retries=st.integers(1, 1000),
    )
    | st.builds(Health, command=st.lists(TEXTS, min_size=1, max_size=3).map(tuple))
)
VARIABLES = st.builds(
    Variable, name=NAMES, required=st.booleans(), secret=st.booleans(), type=st.just("url"), example=TEXTS
)
MADE = st.builds(
    Service,
    name=TEXTS,
    version=TEXTS,
    description=TEXTS,
    image=st.just("tiny:0.1.0") | NAMES.map(lambda text: f"ghcr.io/{text}:1"),
    platforms=st.sampled_from(((), ("linux/amd64",), ("linux/amd64", "linux/arm64"))),
    contract=st.lists(VARIABLES, max_size=3, unique_by=lambda each: each.name).map(tuple),
    args=st.lists(TEXTS, max_size=2).map(tuple),
    ports=st.lists(PORTS, max_size=3, unique=True).map(tuple),
    health=HEALTHS,
    migrate=st.none() | st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    database=st.none() | st.builds(Database, version=st.just("16"), url_env=NAMES),
    volumes=st.lists(TEXTS.map(lambda text: f"/{text}"), max_size=3, unique=True).map(tuple),
    user=st.builds(User, uid=st.integers(0, 70000), gid=st.integers(0, 70000)),
    init=st.booleans(),
    capabilities=st.sampled_from(((), ("NET_BIND_SERVICE",), ("NET_BIND_SERVICE", "NET_ADMIN"))),
)
"""Services with names and values of any kind, beyond what the configuration lets in."""
