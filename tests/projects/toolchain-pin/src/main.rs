//! Says by which compiler it was made, which is to be the pinned one.

mod server;

fn main() {
    server::serve(|| match env!("COMPILER") {
        compiler if compiler.starts_with("rustc 1.95.0 ") => Ok(compiler.to_owned()),
        compiler => Err(format!("{compiler} is another one")),
    });
}
