fn main() {
    // `sqlx::migrate!` puts the files into the binary; on stable Rust it does not notice a new one by itself.
    println!("cargo::rerun-if-changed=migrations");
}
