//! Tells the time of another place by the zone files of the system that it runs on.

mod server;

use jiff::{tz::TimeZone, Timestamp};

fn main() {
    server::serve(|| {
        let zone = TimeZone::get("Europe/Berlin").map_err(|error| error.to_string())?;
        let moment: Timestamp =
            "2026-07-01T10:00:00Z".parse().map_err(|error: jiff::Error| error.to_string())?;
        match moment.to_zoned(zone).hour() {
            12 => Ok(String::from("noon in Berlin")),
            hour => Err(format!("{hour} o'clock in Berlin")),
        }
    });
}
