//! Counts words while it is compiled.

mod server;

fn main() {
    server::serve(|| match macros::count!(one two three) {
        3 => Ok(String::from("three tokens")),
        other => Err(format!("{other} tokens")),
    });
}
