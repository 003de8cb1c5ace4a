//! Opens a TLS context and counts the CA roots that it finds.

mod server;

use openssl::ssl::{SslConnector, SslMethod};

fn main() {
    server::serve(|| {
        let connector = SslConnector::builder(SslMethod::tls()).map_err(|error| error.to_string())?.build();
        match connector.context().cert_store().all_certificates().len() {
            0 => Err(String::from("no CA roots")),
            count => Ok(format!("{}: {count} CA roots", openssl::version::version())),
        }
    });
}
