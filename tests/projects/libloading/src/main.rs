//! Opens a library by name and asks for its version: the C library's, which a dynamic program has anyway.

mod server;

use std::ffi::{c_char, CStr};

use libloading::{Error, Library, Symbol};

fn main() {
    server::serve(|| version().map_err(|error| error.to_string()));
}

fn version() -> Result<String, Error> {
    // SAFETY: the library runs already, and the function takes nothing and gives a static text.
    unsafe {
        let library = Library::new("libc.so.6")?;
        let version: Symbol<extern "C" fn() -> *const c_char> = library.get(b"gnu_get_libc_version")?;
        Ok(format!("glibc {}", CStr::from_ptr(version()).to_string_lossy()))
    }
}
