//! Begins a TLS handshake with something that speaks no TLS, and wants to be told so.

mod server;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread;

use native_tls::{HandshakeError, TlsConnector};

fn main() {
    server::serve(|| shake_hands().map_err(|error| error.to_string()));
}

fn shake_hands() -> Result<String, Box<dyn std::error::Error>> {
    let connector = TlsConnector::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stream = TcpStream::connect(listener.local_addr()?)?;
    let other =
        thread::spawn(move || listener.accept().and_then(|(mut stream, _)| stream.write_all(b"no TLS")));
    let refused = connector.connect("localhost", stream);
    other.join().map_err(|_| "the other side panicked")??;
    match refused {
        Err(HandshakeError::Failure(error)) => Ok(format!("refused: {error}")),
        _ => Err("no TLS was taken for TLS".into()),
    }
}
