//! Process 1 for a program that is not made to be it: starts the program, hands signals on, and reaps.
//!
//!     init -- PROGRAM [ARGUMENT]…
//!
//! The kernel ignores a SIGTERM to process 1 that has no handler, and gives it every orphan to wait for. Our
//! exit code is the program's, 128 + the signal's number when one ended it, 127 or 126 when it did not start.
#![no_std]
#![no_main]
#![no_builtins]

mod sys;

use sys::{call, exit, number, Line, Text};

const SIGCHLD: usize = 17;
const BLOCK: usize = 0;
const SET: usize = 2;
const SIGNALS: usize = 8; // bytes of a set
const SUBREAPER: usize = 36;
const TERMINAL_GROUP: usize = 0x5410;
const WITHOUT_WAITING: usize = 1;
const EVERYBODY: usize = usize::MAX;

const NOT_THERE: isize = -2;
const NO_PROGRAM: isize = -8;
const NOT_ALLOWED: isize = -13;

pub unsafe extern "C" fn main(stack: *const usize) -> ! {
    let environment = stack.add(*stack + 2);
    let mut program: *const Text = stack.add(2).cast();
    if *stack > 1 && (*program).without(b"--").is_some_and(|rest| rest.first() == 0) {
        program = program.add(1);
    }
    if (*program).0.is_null() {
        let mut line = Line::new();
        line.say(b"usage: init -- PROGRAM [ARGUMENT]...");
        line.write(2);
        exit(1);
    }
    // All are fetched one by one below; those that a fault of ours raises end us all the same.
    let (all, mut before) = (u64::MAX, 0u64);
    let (all, before) = (&all as *const u64 as usize, &mut before as *mut u64 as usize);
    call(number::RT_SIGPROCMASK, [BLOCK, all, before, SIGNALS, 0]);
    // Where somebody else is process 1 (`docker run --init`, a shared namespace), orphans come to us too.
    call(number::PRCTL, [SUBREAPER, 1, 0, 0, 0]);
    let child = call(number::CLONE, [SIGCHLD, 0, 0, 0, 0]);
    if child == 0 {
        become_program(program, environment, before);
    }
    if child < 0 {
        fail(b"no process for it", child, 126);
    }
    loop {
        let signal = call(number::RT_SIGTIMEDWAIT, [all, 0, 0, SIGNALS, 0]);
        if signal == SIGCHLD as isize {
            reap(child);
        } else if signal > 0 {
            call(number::KILL, [child as usize, signal as usize, 0, 0, 0]);
        }
    }
}

/// In a group of its own, which has the terminal where there is one: Ctrl-C there is the program's.
unsafe fn become_program(program: *const Text, environment: *const usize, before: usize) -> ! {
    call(number::SETPGID, [0; 5]);
    let group = call(number::GETPID, [0; 5]) as i32;
    let group = &group as *const i32 as usize;
    call(number::IOCTL, [0, TERMINAL_GROUP, group, 0, 0]); // while SIGTTOU is blocked, or it would stop us
    call(number::RT_SIGPROCMASK, [SET, before, 0, SIGNALS, 0]);
    let name = (*program).0 as usize;
    let said = call(number::EXECVE, [name, program as usize, environment as usize, 0, 0]);
    fail(name_of(*program), said, if said == NOT_THERE { 127 } else { 126 })
}

fn name_of(text: Text) -> &'static [u8] {
    unsafe { core::slice::from_raw_parts(text.0, text.length()) }
}

/// Wait for all that have ended; the end of the program is ours.
fn reap(child: isize) {
    loop {
        let mut status = 0u32;
        let place = &mut status as *mut u32 as usize;
        let ended = call(number::WAIT4, [EVERYBODY, place, WITHOUT_WAITING, 0, 0]);
        if ended <= 0 {
            return;
        }
        if ended == child {
            let signal = status & 0x7f;
            exit(if signal == 0 { (status >> 8 & 0xff) as i32 } else { 128 + signal as i32 });
        }
    }
}

fn fail(what: &[u8], error: isize, code: i32) -> ! {
    let mut line = Line::new();
    line.say(b"init: ");
    line.say(what);
    match error {
        NOT_THERE => line.say(b": no such file or directory"),
        NO_PROGRAM => line.say(b": exec format error"),
        NOT_ALLOWED => line.say(b": permission denied"),
        _ => {
            line.say(b": error ");
            line.count(-error as usize);
        }
    }
    line.write(2);
    exit(code)
}
