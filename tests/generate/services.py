"""Two services that the kinds of generated files are tried with: one that has everything, and a mere name."""

from ferrule.contract import Variable
from ferrule.database import Database
from ferrule.generate.service import Service
from ferrule.health import Health
from ferrule.values import Port

FULL = Service(
    name="shop",
    package="shop",
    version="0.4.2",
    description="Sells 100 % of it",
    image="ghcr.io/acme/shop:0.4.2",
    contract=(
        Variable(name="APP_DATABASE_URL", required=True, secret=True, type="url"),
        Variable(name="APP_JWT_SECRET", required=True, secret=True, doc="signs the customers' tokens"),
        Variable(name="APP_LIMITS", default='{"a": 1}'),
        Variable(name="APP_PRICE", default="5 $ & 'up' #1"),
        Variable(name="APP_REGION"),
        Variable(name="HOME", default="/app"),
        Variable(name="RUST_LOG", default="info"),
        Variable(name="app.name", default="shop"),
    ),
    args=("serve", "two words"),
    ports=(Port(number=80), Port(number=3000), Port(number=53, protocol="udp")),
    health=Health(path="/health", live="/live"),
    migrations="migrations",
    migrate=("migrate", "two words", "$HOME", "100%", ""),
    database=Database(version="16", url_env="APP_DATABASE_URL"),
    volumes=("/data", "/var/lib/a b:c$d"),
    stop_signal="SIGINT",
    init=True,
    capabilities=("NET_BIND_SERVICE", "NET_RAW"),
)
TINY = Service(name="tiny")
