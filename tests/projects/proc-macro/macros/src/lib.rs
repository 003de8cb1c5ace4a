//! A procedural macro of the project's own, which is a shared library of this machine.

use proc_macro::TokenStream;

/// The number of tokens.
#[proc_macro]
pub fn count(tokens: TokenStream) -> TokenStream {
    let count = tokens.into_iter().count();
    count.to_string().parse().expect("a number is a token")
}
