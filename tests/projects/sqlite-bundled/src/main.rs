//! Asks a database in memory.

mod server;

fn main() {
    server::serve(|| ask().map_err(|error| error.to_string()));
}

fn ask() -> rusqlite::Result<String> {
    let database = rusqlite::Connection::open_in_memory()?;
    database.execute_batch("create table numbers (n integer); insert into numbers values (40), (2);")?;
    database.query_row("select 'SQLite ' || sqlite_version() || ': ' || sum(n) from numbers", [], |row| {
        row.get(0)
    })
}
