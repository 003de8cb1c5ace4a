//! A small shop over HTTP: products and orders in Postgres, quotes without it.

mod auth;
mod config;
mod db;
mod quote;
mod routes;
mod serve;
mod shutdown;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, Environment};
use crate::shutdown::Signals;

type Error = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "usage: shop [serve | migrate | token CUSTOMER]";
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    // First of all: as PID 1 of a container a signal without a handler would be lost.
    let mut signals = Signals::install()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] | ["serve"] => {
            let config = Config::read(&variable)?;
            start_logging(config.environment);
            serve::serve(config, signals).await
        }
        ["migrate"] => {
            let database = config::database(&variable)?;
            start_logging(config::environment(&variable)?);
            tokio::select! {
                done = db::migrate(database) => Ok(done?),
                () = signals.wait() => Err("interrupted before the last migration was done".into()),
            }
        }
        ["token", customer] => {
            let secret = config::jwt_secret(&variable)?;
            println!("{}", auth::issue(&secret, customer, TOKEN_LIFETIME));
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Lines of JSON for machines in production, text for people elsewhere; `RUST_LOG` says how much.
fn start_logging(environment: Environment) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match environment {
        Environment::Production => logs.json().flatten_event(true).init(),
        Environment::Development => logs.init(),
    }
}
