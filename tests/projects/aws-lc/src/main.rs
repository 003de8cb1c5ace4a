//! Makes a key, signs with it, and verifies the signature.

mod server;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, UnparsedPublicKey, ED25519};

fn main() {
    server::serve(|| sign().map_err(|error| error.to_string()));
}

fn sign() -> Result<String, Box<dyn std::error::Error>> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())?;
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref())?;
    let signature = pair.sign(b"ferrule");
    UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref()).verify(b"ferrule", signature.as_ref())?;
    Ok(format!("signed and verified, {} bytes", signature.as_ref().len()))
}
