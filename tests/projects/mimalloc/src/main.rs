//! Allocates, and asks mimalloc for its version.

mod server;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    server::serve(|| {
        let numbers: Vec<usize> = (0..100_000).collect();
        Ok(format!("mimalloc {}: {} numbers", ALLOCATOR.version(), numbers.len()))
    });
}
