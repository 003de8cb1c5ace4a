//! Allocates, and asks jemalloc for its version.

mod server;

use std::ffi::{c_char, CStr};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    server::serve(|| {
        let numbers: Vec<usize> = (0..100_000).collect();
        Ok(format!("jemalloc {}: {} numbers", version()?, numbers.len()))
    });
}

fn version() -> Result<String, String> {
    let mut text: *const c_char = std::ptr::null();
    let mut size = size_of::<*const c_char>();
    // SAFETY: the name ends with a zero, and jemalloc writes a pointer to a text that lives for ever.
    unsafe {
        let place = (&raw mut text).cast();
        match tikv_jemalloc_sys::mallctl(c"version".as_ptr(), place, &mut size, std::ptr::null_mut(), 0) {
            0 => Ok(CStr::from_ptr(text).to_string_lossy().into_owned()),
            code => Err(format!("mallctl says {code}")),
        }
    }
}
