//! A checksum for machines without an operating system.

#![no_std]

extern crate alloc;

use alloc::{format, string::String};

/// Fletcher's checksum of 16 bits, in hexadecimal digits.
pub fn fletcher(bytes: &[u8]) -> String {
    let (first, second) = bytes.iter().fold((0u16, 0u16), |(first, second), byte| {
        let first = (first + u16::from(*byte)) % 255;
        (first, (second + first) % 255)
    });
    format!("{second:02x}{first:02x}")
}
