//! A server as a process, and what can be asked of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running server; killed if a test forgets it.
pub(crate) struct Server {
    pub(crate) process: Child,
    /// Host and port of its pages.
    pub(crate) authority: String,
}

impl Server {
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_as(&mut command(), flags)
    }

    /// A server with a log, in a process group of its own as a shell makes it.
    pub(crate) fn start_with_log(flags: &[&str]) -> Self {
        Self::start_as(command().stderr(Stdio::piped()).process_group(0), flags)
    }

    pub(crate) fn start_as(command: &mut Command, flags: &[&str]) -> Self {
        let mut process = command
            .args(["serve", "--listen=127.0.0.1:0"])
            .arg(format!("--rtc-port={}", free_ports(2)))
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let (_, url) = line.trim().split_once("://").expect("a URL is printed");
        let authority = url.trim_end_matches('/').to_owned();
        Self { process, authority }
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.authority).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let host = &self.authority;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Process ids of the workers.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let pid = self.process.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let of_other_threads = std::fs::read_dir(format!("/proc/{pid}/task"))
            .unwrap()
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
        let mut pids: Vec<u32> = children
            .into_iter()
            .chain(of_other_threads)
            .flat_map(|list| {
                let pids = list.split_whitespace().map(|pid| pid.parse().unwrap());
                pids.collect::<Vec<u32>>()
            })
            .collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// Sends SIGTERM and returns the exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        kill(pid(self.process.id()), Signal::SIGTERM).unwrap();
        self.process.wait().unwrap().code()
    }

    /// The exit code and the whole log of a server that was told to end.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        let mut stderr = self.process.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        (self.process.wait().unwrap().code(), log)
    }
}

pub(crate) fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap())
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tureen"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TUREEN_")) {
        command.env_remove(name);
    }
    command.stderr(Stdio::null());
    command
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first of as many ports in a row that are free for UDP and TCP.
fn free_ports(count: u16) -> u16 {
    loop {
        let first = TcpListener::bind("0.0.0.0:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let are_free = (0..count).all(|offset| {
            let address = ("0.0.0.0", first.wrapping_add(offset));
            TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
        });
        if are_free {
            return first;
        }
    }
}
