//! The HTTP server from its first to its last connection.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::routes::{AppState, router};
use crate::shutdown::Signals;
use crate::{Error, db};

/// How long requests may go on after the signal; engines kill after ten seconds.
const GRACE: Duration = Duration::from_secs(8);

pub async fn serve(config: Config, mut signals: Signals) -> Result<(), Error> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, config.port))
        .await
        .map_err(|error| format!("cannot listen on port {}: {error}", config.port))?;
    let pool = db::pool(config.database);
    let app = router(AppState::new(pool.clone(), config.jwt_secret));
    tracing::info!(port = config.port, version = env!("CARGO_PKG_VERSION"), "listening");

    let (stopping, stopped) = oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        signals.wait().await;
        tracing::info!("stopping");
        let _ = stopping.send(());
    });
    let out_of_time = async {
        let _ = stopped.await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        done = async {
            server.await?;
            pool.close().await;
            Ok(())
        } => done,
        () = out_of_time => Err("requests were still open when the time to stop was over".into()),
    }
}
