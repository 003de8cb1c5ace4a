//! Is only right where the flag of `.cargo/config.toml` has arrived.

mod server;

#[cfg(not(the_flag_is_there))]
compile_error!("the project's own flags are lost");

fn main() {
    server::serve(|| Ok(String::from("the flag is there")));
}
