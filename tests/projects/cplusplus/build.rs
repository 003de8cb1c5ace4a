fn main() {
    println!("cargo:rerun-if-changed=src/what.cc");
    cc::Build::new().cpp(true).file("src/what.cc").compile("what");
}
