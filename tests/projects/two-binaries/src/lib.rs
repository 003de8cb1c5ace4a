//! What both programs know. Package, library and programs each have a name of their own.

pub mod server;

pub fn greeting(who: &str) -> String {
    format!("the {who} is well")
}
