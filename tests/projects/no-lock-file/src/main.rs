//! Has a dependency and no Cargo.lock.

mod server;

fn main() {
    server::serve(|| Ok(itoa::Buffer::new().format(42).to_owned()));
}
