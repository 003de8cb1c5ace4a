//! Connects to a Postgres that is not there, and wants libpq's own words about it.

mod server;

use std::ffi::CStr;

use pq_sys::{ConnStatusType, PQconnectdb, PQerrorMessage, PQfinish, PQlibVersion, PQstatus};

fn main() {
    server::serve(|| {
        // SAFETY: the text ends with a zero, and the connection is used before it is closed.
        let (status, said, version) = unsafe {
            let connection = PQconnectdb(c"host=127.0.0.1 port=1 dbname=shop user=shop".as_ptr());
            let said = CStr::from_ptr(PQerrorMessage(connection)).to_string_lossy().into_owned();
            let status = PQstatus(connection);
            PQfinish(connection);
            (status, said, PQlibVersion())
        };
        match status == ConnStatusType::CONNECTION_BAD && said.contains("refused") {
            true => Ok(format!("libpq {version}")),
            false => Err(said),
        }
    });
}
