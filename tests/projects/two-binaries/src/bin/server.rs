fn main() {
    shop::server::serve(|| Ok(shop::greeting("server")));
}
