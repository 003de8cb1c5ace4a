fn main() {
    println!("cargo:rustc-link-arg=-lz");
}
