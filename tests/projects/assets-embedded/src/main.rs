//! Serves a page that is part of the program.

mod server;

use include_dir::{include_dir, Dir};

static PAGES: Dir = include_dir!("$CARGO_MANIFEST_DIR/pages");

fn main() {
    server::serve(|| {
        let page = PAGES.get_file("index.html").ok_or("there is no page")?;
        Ok(page.contents_utf8().ok_or("it is no text")?.trim().to_owned())
    });
}
