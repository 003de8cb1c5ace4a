use std::{env, process::Command};

fn main() {
    let compiler = env::var_os("RUSTC").expect("cargo names the compiler");
    let said = Command::new(compiler).arg("-V").output().expect("it runs").stdout;
    println!("cargo:rustc-env=COMPILER={}", String::from_utf8_lossy(&said).trim());
    println!("cargo:rerun-if-changed=build.rs");
}
