//! Compresses, and unpacks again.

mod server;

fn main() {
    server::serve(|| there_and_back().map_err(|error| error.to_string()));
}

fn there_and_back() -> std::io::Result<String> {
    let text = "ferrule ".repeat(1000);
    let packed = zstd::encode_all(text.as_bytes(), 3)?;
    let unpacked = zstd::decode_all(packed.as_slice())?;
    assert_eq!(unpacked, text.as_bytes());
    Ok(format!("{} bytes of {}", packed.len(), text.len()))
}
