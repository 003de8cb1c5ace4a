"""Sources of all the ways in which programs read their environment, and what the scan says of each."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.cargo.rust_items import without_tests
from ferrule.cargo.rust_tokens import tokens_of
from ferrule.cargo.variables import Scan, read_source, scan


def scanned(folder: Path, *sources: str) -> Scan:
    for number, source in enumerate(sources):
        (folder / f"{number}.rs").write_text(source)
    return scan(tuple(read_source(folder / f"{number}.rs", f"{number}.rs") for number in range(len(sources))))


def found(folder: Path, *sources: str) -> list[tuple[str, bool | None, str | None]]:
    return [(read.name, read.required, read.default) for read in scanned(folder, *sources).reads]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('std::env::var("A")?', ("A", True, None)),
        ('env::var("A").unwrap()', ("A", True, None)),
        ('env::var("A").expect("A is needed")', ("A", True, None)),
        ('env::var("A").map_err(Error::from)?', ("A", True, None)),
        ('env::var("A").ok().ok_or("missing")?', ("A", True, None)),
        ('env::var("A").unwrap_or_else(|_| "3000".to_string())', ("A", False, "3000")),
        ('env::var("A").unwrap_or("x".into())', ("A", False, "x")),
        ('env::var("A").ok().and_then(|v| v.parse().ok()).unwrap_or(8080)', ("A", False, "8080")),
        ('env::var("A").unwrap_or(format!("{}{}", "a", "b"))', ("A", False, None)),
        ('env::var("A").unwrap_or_default()', ("A", False, None)),
        ('env::var_os("A").is_some()', ("A", False, None)),
        ('env::var("A").is_ok()', ("A", False, None)),
        ('match env::var("A") { _ => 1 }', ("A", None, None)),
        ('match env::var("A").ok() { None => 3000, Some(text) => text.parse()? }', ("A", False, "3000")),
        ('match env::var("A") { Ok(v) => v, Err(_) => "x".into() }', ("A", False, "x")),
        ('match env::var("A") { Ok(v) => v, Err(_) => return Err(missing()) }', ("A", None, None)),
        ('dotenvy::var("A")?', ("A", True, None)),
        ('env::var(/* which */ r#"A"#)?', ("A", True, None)),
        ('env::var(&"A")?', ("A", True, None)),
        ("env::var(NAME)?", ("IT", True, None)),
        ("env::var(names::NAME)?", ("IT", True, None)),
        ("EnvFilter::try_from_default_env().unwrap()", ("RUST_LOG", False, None)),
        ("env_logger::init();", ("RUST_LOG", False, None)),
    ],
)
def test_a_call(tmp_path: Path, source: str, expected: tuple[str, bool | None, str | None]) -> None:
    assert found(tmp_path, f'const NAME: &str = "IT";\nfn main() {{ {source} }}') == [expected]


def test_an_imported_function(tmp_path: Path) -> None:
    source = 'use std::env::{self, var};\nfn main() { var("A"); it.var("B"); other::var("C"); }'
    assert found(tmp_path, source) == [("A", None, None)]


def test_a_function_that_hands_its_argument_on(tmp_path: Path) -> None:
    source = """
        fn variable(name: &str) -> Option<String> { std::env::var(name).ok() }
        fn required<'a>(lookup: Lookup<'a>, name: &'static str) -> Result<String> { or(variable(name)) }
        fn config() { required(variable, "A")?; variable("B").unwrap_or("1".into()); variable("not a name"); }
    """
    assert found(tmp_path, source) == [("A", True, None), ("B", False, "1")]


def test_functions_of_other_files_and_places(tmp_path: Path) -> None:
    scan = scanned(
        tmp_path,
        'fn main() {\n    setting("A");\n}',
        "pub fn setting(name: &str) -> String {\n    env::var(name).unwrap()\n}",
    )
    assert [(read.path, read.line) for read in scan.reads] == [("0.rs", 2)]


def test_what_nobody_can_say_is_said(tmp_path: Path) -> None:
    scan = scanned(tmp_path, 'fn main() {\n env::var(format!("A_{}", x)).ok();\n env::var(words[0]);\n}')
    assert scan.reads == ()
    assert [(each.line, each.what) for each in scan.unclear] == [
        (2, "a variable whose name is not written there"),
        (3, "a variable whose name is not written there"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        '// env::var("A")',
        '/* /* */ env::var("A") */',
        'let text = "env::var(\\"A\\")";',
        'let text = r#"env::var("A")"#;',
        '#[cfg(test)]\nmod tests { fn f() { env::var("A"); } }',
        '#[test]\n#[ignore]\nfn f() { env::var("A"); }',
        'env!("A"); option_env!("B");',
        "fn var(name: &str) {}",
        'map.get("A"); args.var("B");',
    ],
)
def test_what_reads_nothing(tmp_path: Path, source: str) -> None:
    assert scanned(tmp_path, source) == Scan(reads=(), unclear=())


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
        }
        const KEY: &str = "APP_KEY";
    """
    assert sorted(found(tmp_path, source)) == [
        ("APP_KEY", True, None),
        ("APP_PATH", False, None),
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


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ('Environment::with_prefix("APP")', "every variable that begins with APP_, with config"),
        ('Env::prefixed("APP_")', "every variable that begins with APP_, with figment"),
        ("envy::from_env()", "a struct's fields as NAME, with envy"),
    ],
)
def test_a_prefix_is_all_that_is_known(tmp_path: Path, source: str, what: str) -> None:
    assert [each.what for each in scanned(tmp_path, f"fn main() {{ {source}; }}").unclear] == [what]


def test_the_example(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "examples" / "shop" / "src"
    files = sorted(source.glob("*.rs"))
    reads = scan(tuple(read_source(file, file.name) for file in files)).reads
    assert {read.name for read in reads} == {
        "APP_DATABASE_URL",
        "APP_AUTH_JWT_SECRET",
        "APP_ENV",
        "APP_PORT",
        "RUST_LOG",
    }
    assert all(read.line > 1 for read in reads)


def test_tokens_of_awkward_rust() -> None:
    source = r"""fn f<'a>(x: &'a str) { let q = '\''; let d = '"'; let n = b'\n'; "a\u{41}\
        b"; r#type; 1..2 }"""
    texts = [token.text for token in tokens_of(source)]
    assert "aAb" in texts
    assert "type" in texts
    assert texts[-5:] == ["1", ".", ".", "2", "}"]


@given(st.text(alphabet="'\"\\/*#r{}()<>[],;=:envarstuc \n&|A", max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    tokens = without_tests(tokens_of(text))
    assert all(token.line <= text.count("\n") + 1 for token in tokens)


def test_any_text_can_be_scanned(tmp_path: Path) -> None:
    @given(st.text(alphabet="'\"\\/*#r{}()<>[],;=:envarstuc \n&|A", max_size=200))
    def scans(text: str) -> None:
        scanned(tmp_path, text + 'env::var("A"', f"struct A {{ {text}")

    scans()
