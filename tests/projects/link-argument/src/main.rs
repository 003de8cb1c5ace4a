//! Calls a library that only an argument of the linker names, which cargo does not list.

mod server;

use std::ffi::{c_char, CStr};

unsafe extern "C" {
    fn zlibVersion() -> *const c_char;
}

fn main() {
    // SAFETY: it takes nothing and gives a static text.
    server::serve(|| Ok(format!("zlib {}", unsafe { CStr::from_ptr(zlibVersion()) }.to_string_lossy())));
}
