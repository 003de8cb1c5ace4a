fn main() {
    println!("cargo:rerun-if-changed=shop.proto");
    prost_build::compile_protos(&["shop.proto"], &["."]).expect("protoc compiles the message");
}
