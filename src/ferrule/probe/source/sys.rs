//! What the probe and the init share: the way in and out, Linux system calls, and one line to say.
//!
//! No library is linked, not even C's: every function that a compiler may call by itself (memcpy, strlen) is
//! missing, so buffers stay uninitialised and texts are compared byte by byte.

use core::arch::{asm, global_asm};
use core::mem::MaybeUninit;

#[cfg(target_arch = "x86_64")]
#[allow(dead_code)] // neither program needs all
pub mod number {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const RT_SIGACTION: usize = 13;
    pub const RT_SIGPROCMASK: usize = 14;
    pub const IOCTL: usize = 16;
    pub const WRITEV: usize = 20;
    pub const GETPID: usize = 39;
    pub const SOCKET: usize = 41;
    pub const CONNECT: usize = 42;
    pub const CLONE: usize = 56;
    pub const EXECVE: usize = 59;
    pub const WAIT4: usize = 61;
    pub const KILL: usize = 62;
    pub const SETPGID: usize = 109;
    pub const RT_SIGTIMEDWAIT: usize = 128;
    pub const PRCTL: usize = 157;
    pub const CLOCK_GETTIME: usize = 228;
    pub const EXIT_GROUP: usize = 231;
    pub const PPOLL: usize = 271;
}

#[cfg(target_arch = "aarch64")]
#[allow(dead_code)] // neither program needs all
pub mod number {
    pub const IOCTL: usize = 29;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const WRITEV: usize = 66;
    pub const PPOLL: usize = 73;
    pub const EXIT_GROUP: usize = 94;
    pub const CLOCK_GETTIME: usize = 113;
    pub const KILL: usize = 129;
    pub const RT_SIGACTION: usize = 134;
    pub const RT_SIGPROCMASK: usize = 135;
    pub const RT_SIGTIMEDWAIT: usize = 137;
    pub const SETPGID: usize = 154;
    pub const PRCTL: usize = 167;
    pub const GETPID: usize = 172;
    pub const SOCKET: usize = 198;
    pub const CONNECT: usize = 203;
    pub const CLONE: usize = 220;
    pub const EXECVE: usize = 221;
    pub const WAIT4: usize = 260;
}

// The kernel leaves the arguments on the stack, and nobody to return to.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {main}",
    main = sym crate::main,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x0, sp",
    "bl {main}",
    main = sym crate::main,
);

/// A system call. What the kernel says: below zero the number of an error.
#[cfg(target_arch = "x86_64")]
pub fn call(number: usize, arguments: [usize; 5]) -> isize {
    let said;
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => said,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    said
}

#[cfg(target_arch = "aarch64")]
pub fn call(number: usize, arguments: [usize; 5]) -> isize {
    let said;
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") arguments[0] as isize => said,
            in("x1") arguments[1],
            in("x2") arguments[2],
            in("x3") arguments[3],
            in("x4") arguments[4],
            options(nostack),
        );
    }
    said
}

pub fn exit(code: i32) -> ! {
    loop {
        call(number::EXIT_GROUP, [code as usize, 0, 0, 0, 0]);
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    exit(1)
}

/// A text of C: bytes up to a zero.
#[derive(Clone, Copy)]
pub struct Text(pub *const u8);

impl Text {
    pub fn first(self) -> u8 {
        unsafe { *self.0 }
    }

    pub fn from(self, at: usize) -> Text {
        Text(unsafe { self.0.add(at) })
    }

    pub fn length(self) -> usize {
        let mut length = 0;
        while self.from(length).first() != 0 {
            length += 1;
        }
        length
    }

    /// What stands behind the prefix, which is in small letters; None where the text begins otherwise.
    pub fn without(self, prefix: &[u8]) -> Option<Text> {
        let mut rest = self;
        for byte in prefix {
            if rest.first() | (*byte & 0x20) != *byte {
                return None;
            }
            rest = rest.from(1);
        }
        Some(rest)
    }

    #[allow(dead_code)]
    /// The number that it begins with, 0 without one, and what stands behind.
    pub fn number(self) -> (usize, Text) {
        let (mut value, mut rest) = (0usize, self);
        loop {
            let digit = rest.first().wrapping_sub(b'0');
            if digit > 9 {
                return (value, rest);
            }
            value = value.wrapping_mul(10).wrapping_add(digit as usize);
            rest = rest.from(1);
        }
    }
}

/// One line for a person; what has no room is left out.
pub struct Line {
    bytes: MaybeUninit<[u8; ROOM]>,
    length: usize,
}

const ROOM: usize = 256;

impl Line {
    pub fn new() -> Line {
        Line { bytes: MaybeUninit::uninit(), length: 0 }
    }

    fn push(&mut self, byte: u8) {
        if self.length < ROOM {
            unsafe { *self.bytes.as_mut_ptr().cast::<u8>().add(self.length) = byte };
            self.length += 1;
        }
    }

    #[inline(never)]
    pub fn say(&mut self, words: &[u8]) {
        for byte in words {
            self.push(*byte);
        }
    }

    #[inline(never)]
    pub fn count(&mut self, number: usize) {
        if number > 9 {
            self.count(number / 10);
        }
        self.push(b'0' + (number % 10) as u8);
    }

    /// Write it out, with its end.
    pub fn write(&mut self, descriptor: usize) {
        self.push(b'\n');
        call(number::WRITE, [descriptor, self.bytes.as_ptr() as usize, self.length, 0, 0]);
    }
}
