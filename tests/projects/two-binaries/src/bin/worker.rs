fn main() {
    println!("{}", shop::greeting("worker"));
}
