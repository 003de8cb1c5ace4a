"""Sources that declare variables for a crate to read, and what the scan says of each."""

from pathlib import Path

import pytest

from tests.cargo.test_variables import found, scanned


def test_clap(tmp_path: Path) -> None:
    source = """
        #[derive(Parser)]
        struct Args {
            /// Where to listen.
            #[arg(long, env = "APP_PORT", default_value_t = 3000)]
            port: u16,
            #[arg(long, env)]
            database_url: String,
            #[clap(env = TOKEN, hide_env_values = true)]
            pub(crate) token: Option<String>,
            #[arg(long, env = "LEVEL", default_value = "info")]
            level: String,
            #[arg(long)]
            other: String,
        }
        const TOKEN: &str = "APP_TOKEN";
    """
    assert found(tmp_path, source) == [
        ("APP_PORT", False, "3000"),
        ("DATABASE_URL", True, None),
        ("APP_TOKEN", False, None),
        ("LEVEL", False, "info"),
    ]
    assert [read.name for read in scanned(tmp_path, source).reads if read.secret] == ["APP_TOKEN"]


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ('arg(env("A"), default_value("x"))', ("A", False, "x")),
        ('arg(env = "A", default_value_t = 10_000)', ("A", False, "10000")),
        ('arg(env = "A", default_value_t = -1)', ("A", False, "-1")),
        ('arg(env = "A", default_value_t = true)', ("A", False, "true")),
        ('arg(env = "A", default_value_t = Level::Info)', ("A", False, None)),
        ('arg(env = "A", default_value_t = String::from("x"))', ("A", False, "x")),
        ('arg(env = "A", default_value = DEFAULT)', ("A", False, "is it")),
        ('arg(env = "A", default_value = elsewhere::DEFAULT_OF_IT)', ("A", False, None)),
        ('arg(env = "A", default_values_t = vec![1, 2])', ("A", False, None)),
        ('arg(env = "A", required = false)', ("A", False, None)),
        ('arg(env = "A", required_unless_present = "b")', ("A", None, None)),
        ('structopt(long, env = "A")', ("A", True, None)),
        ('envconfig(from = "A", default = "x")', ("A", False, "x")),
        ('config(env = "A", default = 8080)', ("A", False, "8080")),
    ],
)
def test_an_attribute(tmp_path: Path, attribute: str, expected: tuple[str, bool | None, str | None]) -> None:
    source = f'const DEFAULT: &str = "is it"; struct Args {{ #[{attribute}] field: String }}'
    assert found(tmp_path, source) == [expected]


def test_an_attribute_that_hides_nothing(tmp_path: Path) -> None:
    source = 'struct Args { #[arg(env = "A", hide_env_values = false)] field: String }'
    assert [read.secret for read in scanned(tmp_path, source).reads] == [False]


def test_a_name_of_clap_that_is_nowhere(tmp_path: Path) -> None:
    scan = scanned(tmp_path, "struct Args {\n #[arg(env = names::PORT)]\n port: u16 }")
    assert scan.reads == ()
    assert [(each.line, each.what) for each in scan.unclear] == [
        (3, "a variable whose name is not written there")
    ]


def test_clap_s_sub_commands_and_builders(tmp_path: Path) -> None:
    source = """
        #[derive(Subcommand)]
        enum Command {
            Local { #[clap(env = "PORT")] port: u16, #[clap(env = "TO", default_value = "x")] to: String },
            Server,
        }
        fn app() {
            Command::new("a")
                .arg(Arg::new("path").env("APP_PATH").hide_env(true).value_parser(value_parser!(PathBuf)))
                .arg(Arg::new("key").required(true).env(KEY).hide_env_values(true))
                .arg(Arg::new("level").default_value("info").env("LEVEL"))
                .arg(Arg::new("none"))
                .arg(arg!(--file <FILE>).env("FILE"))
        }
        const KEY: &str = "APP_KEY";
    """
    assert sorted(found(tmp_path, source)) == [
        ("APP_KEY", True, None),
        ("APP_PATH", False, None),
        ("FILE", False, None),
        ("LEVEL", False, "info"),
        ("PORT", None, None),
        ("TO", False, "x"),
    ]
    assert [read.name for read in scanned(tmp_path, source).reads if read.secret] == ["APP_KEY"]


def test_envy(tmp_path: Path) -> None:
    source = """
        #[derive(Deserialize)]
        pub struct Config {
            url: String,
            #[serde(default = "eight")]
            workers: usize,
            level: Option<String>,
            #[serde(rename = "old_name")]
            name: String,
            #[serde(flatten)]
            rest: Rest,
        }
        fn a() { envy::prefixed("APP_").from_env::<Config>()?; }
    """
    expected = [("APP_URL", True), ("APP_WORKERS", False), ("APP_LEVEL", False), ("APP_OLD_NAME", True)]
    assert [(name, required) for name, required, _ in found(tmp_path, source)] == expected
    of_a_let = source.replace(
        'envy::prefixed("APP_").from_env::<Config>()?', "let c: Config = envy::from_env()?"
    )
    assert [name for name, _, _ in found(tmp_path, of_a_let)] == ["URL", "WORKERS", "LEVEL", "OLD_NAME"]


def test_envy_with_a_default_for_all_and_the_path_of_a_struct(tmp_path: Path) -> None:
    source = """
        #[derive(Deserialize)]
        #[serde(default)]
        pub struct Config { url: String }
        fn a() { envy::prefixed(PREFIX).from_env::<crate::settings::Config>()?; }
        const PREFIX: &str = "APP_";
    """
    assert found(tmp_path, source) == [("APP_URL", False, None)]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("for (name, value) in env::vars() {}", "all variables that are there"),
        (
            'config::Environment::with_prefix("APP").separator("__")',
            "every variable that begins with APP__, with config",
        ),
        (
            'Environment::with_prefix("APP").prefix_separator("_").separator("__")',
            "every variable that begins with APP_, with config",
        ),
        ('Environment::default().prefix("APP")', "every variable that begins with APP_, with config"),
        ("config::Environment::default()", "every variable that it has a field for, with config"),
        ("Env::raw()", "every variable that it has a field for, with figment"),
        ("envy::prefixed(prefix()).from_env::<Config>()", "a struct's fields as …NAME, with envy"),
        ('Environment::with_prefix("APP")', "every variable that begins with APP_, with config"),
        ('Env::prefixed("APP_")', "every variable that begins with APP_, with figment"),
        ("envy::from_env()", "a struct's fields as NAME, with envy"),
    ],
)
def test_a_prefix_is_all_that_is_known(tmp_path: Path, source: str, what: str) -> None:
    assert [each.what for each in scanned(tmp_path, f"fn main() {{ {source}; }}").unclear] == [what]
