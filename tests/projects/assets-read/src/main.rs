//! Serves a page that it reads at run time, from the folder that it starts in.

mod server;

fn main() {
    server::serve(|| {
        let page = std::fs::read_to_string("pages/index.html").map_err(|error| error.to_string())?;
        Ok(page.trim().to_owned())
    });
}
