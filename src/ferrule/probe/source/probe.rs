//! A health probe for images without a shell: asks a program in its own container whether it is well.
//!
//!     probe [-t MILLISECONDS] [-e STATUS] [-H HEADER] http://localhost:PORT/PATH
//!     probe [-t MILLISECONDS] tcp://localhost:PORT
//!
//! One line on stdout, which engines keep and show; 0 when it is well, else 1. Whatever the program answers,
//! it is over at the deadline. 127.0.0.1 is asked first, then ::1.
#![no_std]
#![no_main]
#![no_builtins]

mod sys;

use core::mem::MaybeUninit;
use sys::{call, exit, number, Line, Text};

const IPV4: usize = 2;
const IPV6: usize = 10;
const STREAM_WITHOUT_WAITING: usize = 0x801;
const MONOTONIC: usize = 1;
const POLLIN: u64 = 1;
const POLLOUT: u64 = 4;
const SIGPIPE: usize = 13;
const IGNORE: usize = 1;

const AGAIN: isize = -11;
const REFUSED: isize = -111;
const IN_PROGRESS: isize = -115;

const BUFFER: usize = 2048;
const POLITENESS: usize = 100;

struct Asked {
    port: usize,
    /// None where a connection is all that is wanted.
    path: Option<Text>,
    /// 0 for any from 200 to 399.
    status: usize,
    header: Option<Text>,
    limit: usize,
}

/// Why there is no status.
enum Failure {
    Late,
    Closed,
    NoHttp,
    /// What the kernel said to a connection over IPv4 and IPv6.
    Unreachable(isize, isize),
}

pub unsafe extern "C" fn main(stack: *const usize) -> ! {
    let Some(asked) = read_arguments(stack.add(1).cast()) else {
        let mut line = Line::new();
        line.say(b"usage: probe [-t MILLISECONDS] [-e STATUS] [-H HEADER] http://localhost:PORT/PATH");
        line.write(1);
        exit(1);
    };
    // A program that hangs up while it is asked is a reason to say, not a signal to die of.
    let action = [IGNORE, 0, 0, 0];
    call(number::RT_SIGACTION, [SIGPIPE, action.as_ptr() as usize, 0, 8, 0]);
    let start = now();
    let deadline = start + asked.limit;
    let answer = ask(&asked, deadline);
    tell(&asked, answer, now() - start)
}

fn read_arguments(mut argument: *const Text) -> Option<Asked> {
    let mut asked = Asked { port: 0, path: None, status: 0, header: None, limit: 5000 };
    loop {
        argument = unsafe { argument.add(1) };
        let word = unsafe { *argument };
        if word.0.is_null() {
            return None;
        }
        if word.first() != b'-' {
            let http = word.without(b"http");
            let rest = http.or(word.without(b"tcp"))?.without(b"://localhost:")?;
            let (port, path) = rest.number();
            asked.port = port;
            asked.path = http.map(|_| path);
            return (port - 1 < 65535).then_some(asked);
        }
        argument = unsafe { argument.add(1) };
        let value = unsafe { *argument };
        if value.0.is_null() {
            return None;
        }
        match word.from(1).first() {
            b't' => asked.limit = value.number().0,
            b'e' => asked.status = value.number().0,
            b'H' => asked.header = Some(value),
            _ => return None,
        }
    }
}

/// The status of the answer, 0 where a connection was all.
fn ask(asked: &Asked, deadline: usize) -> Result<usize, Failure> {
    let socket = match reach(IPV4, asked.port, deadline) {
        Ok(socket) => socket,
        Err(AGAIN) => return Err(Failure::Late),
        Err(first) => match reach(IPV6, asked.port, deadline) {
            Ok(socket) => socket,
            Err(AGAIN) => return Err(Failure::Late),
            Err(second) => return Err(Failure::Unreachable(first, second)),
        },
    };
    let Some(path) = asked.path else { return Ok(0) };
    send(socket, path, asked.header);
    let mut answer = Answer { socket, deadline, bytes: MaybeUninit::uninit(), at: 0, end: 0 };
    loop {
        let status = answer.status()?;
        if status >= 200 {
            answer.drain();
            return Ok(status);
        }
        answer.skip_head()?; // an interim answer, such as 103: the real one follows
    }
}

/// A connected socket. Errors are the kernel's; AGAIN when the time is over.
#[inline(never)]
fn reach(family: usize, port: usize, deadline: usize) -> Result<usize, isize> {
    let port = ((port as u16).to_be() as u32) << 16;
    let last = u32::from_ne_bytes([0, 0, 0, 1]);
    let (address, size) = if family == IPV4 {
        ([family as u32 | port, u32::from_ne_bytes([127, 0, 0, 1]), 0, 0, 0, 0, 0], 16)
    } else {
        ([family as u32 | port, 0, 0, 0, 0, last, 0], 28)
    };
    let socket = call(number::SOCKET, [family, STREAM_WITHOUT_WAITING, 0, 0, 0]);
    if socket < 0 {
        return Err(socket);
    }
    let socket = socket as usize;
    let connect = || call(number::CONNECT, [socket, address.as_ptr() as usize, size, 0, 0]);
    let mut said = connect();
    if said == IN_PROGRESS {
        if !wait(socket, POLLOUT, deadline) {
            return Err(AGAIN);
        }
        said = connect(); // asked again, Linux says how it went
    }
    if said < 0 {
        return Err(said);
    }
    Ok(socket)
}

/// The whole request in one segment. Should it fail, the answer will tell.
fn send(socket: usize, path: Text, header: Option<Text>) {
    let part = |text: &[u8]| [text.as_ptr() as usize, text.len()];
    let given = |text: Text| [text.0 as usize, text.length()];
    let nothing = [0, 0];
    let own_host = header.and_then(|header| header.without(b"host:")).is_some();
    let parts = [
        part(b"GET "),
        if path.first() == 0 { part(b"/") } else { given(path) },
        part(b" HTTP/1.1\r\nConnection: close\r\nAccept: */*\r\nUser-Agent: ferrule-probe\r\n"),
        if own_host { nothing } else { part(b"Host: localhost\r\n") },
        header.map_or(nothing, given),
        part(if header.is_some() { b"\r\n\r\n" } else { b"\r\n" }),
    ];
    call(number::WRITEV, [socket, parts.as_ptr() as usize, parts.len(), 0, 0]);
}

struct Answer {
    socket: usize,
    deadline: usize,
    bytes: MaybeUninit<[u8; BUFFER]>,
    at: usize,
    end: usize,
}

impl Answer {
    fn status(&mut self) -> Result<usize, Failure> {
        let mut status = 0;
        for form in b"HTTP/1.? 000" {
            let byte = self.next()?;
            match form {
                b'?' => {}
                b'0' if byte.is_ascii_digit() => status = status * 10 + (byte - b'0') as usize,
                _ if *form == byte => {}
                _ => return Err(Failure::NoHttp),
            }
        }
        Ok(status)
    }

    fn skip_head(&mut self) -> Result<(), Failure> {
        let mut ends = 0;
        while ends < 2 {
            match self.next()? {
                b'\n' => ends += 1,
                b'\r' => {}
                _ => ends = 0,
            }
        }
        Ok(())
    }

    /// Read on for a moment: a program whose answer is thrown away half-read would see an error.
    fn drain(&mut self) {
        let end = now() + POLITENESS;
        if end < self.deadline {
            self.deadline = end;
        }
        while self.fill().is_ok() {}
    }

    #[inline(never)]
    fn next(&mut self) -> Result<u8, Failure> {
        if self.at == self.end {
            self.fill()?;
        }
        let byte = unsafe { *self.bytes.as_ptr().cast::<u8>().add(self.at) };
        self.at += 1;
        Ok(byte)
    }

    #[inline(never)]
    fn fill(&mut self) -> Result<(), Failure> {
        if !wait(self.socket, POLLIN, self.deadline) {
            return Err(Failure::Late);
        }
        let count = call(number::READ, [self.socket, self.bytes.as_mut_ptr() as usize, BUFFER, 0, 0]);
        if count <= 0 {
            return Err(Failure::Closed);
        }
        self.at = 0;
        self.end = count as usize;
        Ok(())
    }
}

/// Whether the socket is ready before the deadline.
#[inline(never)]
fn wait(socket: usize, events: u64, deadline: usize) -> bool {
    let now = now();
    if now >= deadline {
        return false;
    }
    let left = deadline - now;
    let time = [left / 1000, left % 1000 * 1_000_000];
    let polled = socket as u64 | events << 32;
    let polled = &polled as *const u64 as usize;
    call(number::PPOLL, [polled, 1, time.as_ptr() as usize, 0, 0]) > 0
}

/// Milliseconds since the machine began.
#[inline(never)]
fn now() -> usize {
    let mut time = MaybeUninit::<[usize; 2]>::uninit();
    call(number::CLOCK_GETTIME, [MONOTONIC, time.as_mut_ptr() as usize, 0, 0, 0]);
    let [seconds, nanoseconds] = unsafe { time.assume_init() };
    seconds * 1000 + nanoseconds / 1_000_000
}

/// Say it, and end.
fn tell(asked: &Asked, answer: Result<usize, Failure>, milliseconds: usize) -> ! {
    let mut line = Line::new();
    let mut well = false;
    match answer {
        Err(Failure::Unreachable(first, second)) => {
            line.say(if first == REFUSED { b"connect refused" } else { b"connect failed" });
            line.say(b" on 127.0.0.1:");
            line.count(asked.port);
            if first == second {
                line.say(b" and [::1]:");
                line.count(asked.port);
            }
            if first != REFUSED {
                line.say(b": error ");
                line.count(-first as usize);
            }
            line.write(1);
            exit(1);
        }
        Err(Failure::Late) => line.say(b"no answer"),
        Err(Failure::Closed) => line.say(b"closed without an answer"),
        Err(Failure::NoHttp) => line.say(b"an answer that is not HTTP"),
        Ok(0) => {
            well = true;
            line.say(b"connected");
        }
        Ok(status) => {
            well = if asked.status == 0 { status < 400 } else { status == asked.status };
            line.count(status);
        }
    }
    line.say(b" after ");
    if milliseconds < 1000 {
        line.count(milliseconds);
        line.say(b" ms");
    } else {
        line.count(milliseconds / 1000);
        let tenths = milliseconds % 1000 / 100;
        if tenths > 0 {
            line.say(b".");
            line.count(tenths);
        }
        line.say(b" s");
    }
    if answer.is_ok() && asked.status != 0 && !well {
        line.say(b", not ");
        line.count(asked.status);
    }
    line.write(1);
    exit(if well { 0 } else { 1 })
}
