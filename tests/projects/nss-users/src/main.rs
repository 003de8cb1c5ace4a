//! Looks up its own user and another one, which the C library does by the name service switch.

mod server;

use nix::unistd::{getuid, Group, User};

fn main() {
    server::serve(|| {
        let own = User::from_uid(getuid()).map_err(|error| error.to_string())?.ok_or("who am I?")?;
        let root = User::from_name("root").map_err(|error| error.to_string())?.ok_or("there is no root")?;
        let group = Group::from_gid(own.gid).map_err(|error| error.to_string())?.ok_or("no group")?;
        Ok(format!("{} of {}, and {} is {}", own.name, group.name, root.name, root.uid))
    });
}
