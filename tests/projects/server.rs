//! Answers `GET /health` on the port that PORT names: 200 with what the check says, or 503 with why not.
//!
//! `GET /quit` ends the program: the first process of a container is sent no signal that it does not handle.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

pub fn serve(check: impl Fn() -> Result<String, String>) {
    let port = std::env::var("PORT").expect("PORT is not set");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("the port is not free");
    for stream in listener.incoming().flatten() {
        if !answer(stream, &check) {
            break;
        }
    }
}

/// Whether to go on.
fn answer(mut stream: TcpStream, check: &impl Fn() -> Result<String, String>) -> bool {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    for line in lines {
        if line.is_empty() {
            break;
        }
    }
    let (status, text) = match first.split(' ').nth(1) {
        Some("/health") => match check() {
            Ok(text) => ("200 OK", text),
            Err(text) => ("503 Service Unavailable", text),
        },
        Some("/quit") => ("200 OK", String::from("bye")),
        _ => ("404 Not Found", String::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    let _ = stream.write_all((head + &text).as_bytes());
    !first.starts_with("GET /quit ")
}
