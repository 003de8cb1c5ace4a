//! Writes and reads a message whose code protoc had a part in.

mod server;

use prost::Message;

mod shop {
    include!(concat!(env!("OUT_DIR"), "/shop.rs"));
}

fn main() {
    server::serve(|| {
        let bytes = shop::Item { name: String::from("ferrule"), amount: 42 }.encode_to_vec();
        let item = shop::Item::decode(bytes.as_slice()).map_err(|error| error.to_string())?;
        Ok(format!("{} {}, {} bytes", item.amount, item.name, bytes.len()))
    });
}
