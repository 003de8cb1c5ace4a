//! Calls C++ that throws an exception and catches it.

mod server;

unsafe extern "C" {
    fn length_of_what(number: i32) -> i32;
}

fn main() {
    server::serve(|| {
        // SAFETY: the function takes a number and throws nothing out of itself.
        match unsafe { length_of_what(42) } {
            12 => Ok(String::from("thrown and caught")),
            other => Err(format!("what() has {other} letters")),
        }
    });
}
