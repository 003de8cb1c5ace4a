//! Opens zlib by name, and asks for its version.

mod server;

use std::ffi::{c_char, CStr};

use libloading::{Error, Library, Symbol};

fn main() {
    server::serve(|| version().map_err(|error| error.to_string()));
}

fn version() -> Result<String, Error> {
    // SAFETY: zlib runs no code when it is opened, and the function takes nothing and gives a static text.
    unsafe {
        let library = Library::new("libz.so.1")?;
        let version: Symbol<extern "C" fn() -> *const c_char> = library.get(b"zlibVersion")?;
        Ok(format!("zlib {}", CStr::from_ptr(version()).to_string_lossy()))
    }
}
