"""Sources of all the ways in which programs read their environment, and what the scan says of each."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.cargo.rust_conditions import compiled
from ferrule.cargo.rust_tokens import tokens_of
from ferrule.cargo.variables import Scan, read_source, read_sources, scan


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
        ('match env::var("A") { Ok(v) => v, Err(_) => return Err(missing()) }', ("A", True, None)),
        ('if let Ok(v) = env::var("A") { match v { None => 3, _ => 4 } }', ("A", None, None)),
        ('match env::var("A") { Ok(v) => { v } Err(_) => 8 * 1024 }', ("A", False, None)),
        ('match env::var("A") { Ok(v) => v, Err(VarError::NotPresent) => "x".into() }', ("A", False, "x")),
        ('match env::var("A") { Ok(v) => v, Err(e) => panic!("A: {e}") }', ("A", True, None)),
        ('let Ok(a) = env::var("A") else { panic!("A") };', ("A", True, None)),
        ('let Ok(a) = env::var("A") else { return None };', ("A", None, None)),
        ('env::var("A").ok()?', ("A", None, None)),
        ('env::var("A").unwrap_or_else(|_| panic!("A must be set"))', ("A", True, None)),
        ('env::var("A").unwrap_or_else(|_| std::process::exit(1))', ("A", True, None)),
        ('env::var("A").unwrap_or_else(|e| { eprintln!("{e}"); process::exit(1) })', ("A", True, None)),
        ('env::var("A").unwrap_or_else(|_| format!("http://{host}"))', ("A", False, None)),
        ('env::var("A").unwrap_or_else(|_| read("a.toml"))', ("A", False, None)),
        ('env::var("A").unwrap_or_else(|_| { NAME.to_string() })', ("A", False, "IT")),
        ('env::var("A").map_or(false, |v| v == "1")', ("A", False, None)),
        ('env::var("A").is_ok_and(|v| v == "1")', ("A", False, None)),
        ('env::var("A").map(|v| v == "1").unwrap_or(true)', ("A", False, None)),
        ('env::var("A").map_or_else(|_| String::from("x"), |v| v + "y")', ("A", False, "x")),
        ('env::var("A").map_or(Duration::from_secs(30), |v| seconds(v))', ("A", False, None)),
        ('env::var("A").ok().and_then(|v| v.parse().ok()).unwrap_or(10_000u64)', ("A", False, "10000")),
        ('env::var("A").ok().and_then(|v| v.parse().ok()).unwrap_or(-1)', ("A", False, "-1")),
        ('env::var("A").ok().and_then(|v| v.parse().ok()).unwrap_or(60 * 60)', ("A", False, None)),
        ('env::var("A").ok().and_then(|v| v.parse().ok()).unwrap_or(0x1F90)', ("A", False, "8080")),
        ('env::var("A").unwrap_or("3".into()).parse::<u8>().expect("a number")', ("A", False, "3")),
        ('dotenvy::var("A")?', ("A", True, None)),
        ('env::var(/* which */ r#"A"#)?', ("A", True, None)),
        ('env::var(&"A")?', ("A", True, None)),
        ("env::var(NAME)?", ("IT", True, None)),
        ("env::var(names::NAME)?", ("IT", True, None)),
        ("EnvFilter::try_from_default_env().unwrap()", ("RUST_LOG", False, None)),
        ("env_logger::init();", ("RUST_LOG", False, None)),
        ("env_logger::init_from_env(Env::new().default_filter_or(INFO));", ("RUST_LOG", False, None)),
        ("pretty_env_logger::init();", ("RUST_LOG", False, None)),
        ('EnvFilter::try_from_env("A").unwrap()', ("A", False, None)),
    ],
)
def test_a_call(tmp_path: Path, source: str, expected: tuple[str, bool | None, str | None]) -> None:
    assert found(tmp_path, f'const NAME: &str = "IT";\nfn main() {{ {source} }}') == [expected]


def test_an_imported_function(tmp_path: Path) -> None:
    source = 'use std::env::{self, var};\nfn main() { var("A"); it.var("B"); other::var("C"); }'
    assert found(tmp_path, source) == [("A", None, None)]
    assert found(tmp_path, 'use std::{env::var, fs};\nfn main() { var("A"); }') == [("A", None, None)]


def test_a_constant_is_the_one_that_is_meant(tmp_path: Path) -> None:
    main = (
        'const KEY: &str = "MAIN"; fn a() { env::var(KEY); env::var(one::KEY); env::var(crate::two::KEY); }'
    )
    (tmp_path / "one.rs").write_text('pub const KEY: &str = "ONE"; fn b() { env::var(KEY); }')
    (tmp_path / "two.rs").write_text('mod a { const KEY: &str = "A"; } mod b { const KEY: &str = "B"; }')
    (tmp_path / "main.rs").write_text(main)
    names = ("main.rs", "one.rs", "two.rs")
    result = scan(tuple(read_source(tmp_path / name, name) for name in names))
    assert [(read.name, read.path) for read in result.reads] == [
        ("MAIN", "main.rs"),
        ("ONE", "main.rs"),
        ("ONE", "one.rs"),
    ]
    assert [(each.path, each.what) for each in result.unclear] == [
        ("main.rs", "a variable whose name is not written there")
    ]


def test_a_function_that_hands_its_argument_on(tmp_path: Path) -> None:
    source = """
        fn variable(name: &str) -> Option<String> { std::env::var(name).ok() }
        fn required<'a>(lookup: Lookup<'a>, name: &'static str) -> Result<String> { or(variable(name)) }
        fn config() { required(variable, "A")?; variable("B").unwrap_or("1".into()); variable("not a name"); }
    """
    assert found(tmp_path, source) == [("A", True, None), ("B", False, "1")]


def test_what_a_function_makes_of_a_missing_one_counts_for_its_callers(tmp_path: Path) -> None:
    source = """
        fn or(name: &str, default: &str) -> String { env::var(name).unwrap_or_else(|_| default.to_string()) }
        fn must(name: &str) -> String { env::var(name).expect("it is needed") }
        fn number<T: FromStr>(key: &str, fallback: T) -> T { parse(env::var(key)).unwrap_or(fallback) }
        fn maybe(name: &str) -> Option<String> { env::var(name).ok() }
        fn main() {
            or("A", "8080"); or("B", NAME); must("C"); number("D", 10_000); number("E", a * b); maybe("F");
            maybe("G").expect("G");
        }
    """
    assert found(tmp_path, source) == [
        ("A", False, "8080"),
        ("B", False, None),
        ("C", True, None),
        ("D", False, "10000"),
        ("E", False, None),
        ("F", False, None),
        ("G", True, None),
    ]


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
        '#[cfg(all(test, feature = "x"))]\nfn f<A, B>() -> [u8; 2] { env::var("A") }',
        '#[tokio::test(flavor = "multi_thread")]\nasync fn f() { env::var("A"); }',
        '#[cfg(windows)]\npub(crate) fn f() { env::var("A"); }',
        '#[cfg(any(target_os = "macos", not(unix)))]\nmod a { fn f() { env::var("A"); } }',
        '#![cfg(test)]\nfn f() { env::var("A"); }',
        'let a = A { #[cfg(test)] b: env::var("A"), c: 1 };',
        'env!("A"); option_env!("B");',
        "fn var(name: &str) {}",
        'map.get("A"); args.var("B");',
    ],
)
def test_what_reads_nothing(tmp_path: Path, source: str) -> None:
    assert scanned(tmp_path, source) == Scan(reads=(), unclear=())


@pytest.mark.parametrize("condition", ["not(test)", "unix", 'feature = "x"', "any(test, unix)"])
def test_what_may_be_in_the_program_is_read(tmp_path: Path, condition: str) -> None:
    source = f'#[cfg({condition})]\nfn f() {{ env::var("A"); }}'
    assert found(tmp_path, source) == [("A", None, None)]


def test_files_of_tests_are_not_read(tmp_path: Path) -> None:
    files = {
        "main.rs": '#[cfg(test)] mod tests; #[cfg(test)] #[path = "of_it.rs"] mod other; mod part;',
        "tests.rs": 'fn f() { env::var("A"); }',
        "of_it.rs": 'fn f() { env::var("B"); }',
        "part.rs": '#[cfg(test)] mod tests; fn f() { env::var("C"); }',
        "part/tests/deep.rs": 'fn f() { env::var("D"); }',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    sources = read_sources({tmp_path / name: name for name in files})
    assert [read.name for read in scan(sources).reads] == ["C"]


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
    tokens, _ = compiled(tokens_of(text))
    assert all(token.line <= text.count("\n") + 1 for token in tokens)


def test_any_text_can_be_scanned(tmp_path: Path) -> None:
    @given(st.text(alphabet="'\"\\/*#r{}()<>[],;=:envarstuc \n&|A", max_size=200))
    def scans(text: str) -> None:
        scanned(tmp_path, text + 'env::var("A"', f"struct A {{ {text}")

    scans()
