//! The `tureen` command as a person runs it: a process of its own, with workers of its own.

mod log;
mod operation;
mod server;

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};

use server::{Server, command, pid};

/// Waits until none of the processes is there.
fn until_gone(processes: &[u32]) {
    let patience = Instant::now() + Duration::from_secs(10);
    for process in processes {
        let path = format!("/proc/{process}/cmdline");
        while std::fs::read_to_string(&path).is_ok_and(|line| line.contains("tureen")) {
            assert!(Instant::now() < patience, "process {process} is left");
            std::thread::yield_now();
        }
    }
}

fn fails(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = command()
        .args(arguments)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(!status.success(), "{arguments:?}");
    String::from_utf8(stderr).unwrap()
}

#[test]
fn a_server_ends_in_good_order_and_leaves_no_process() {
    let mut server = Server::start(&["--workers=2"]);
    assert!(server.get("/healthz").ends_with("ok\n"));
    assert!(server.get("/metrics").contains("tureen_workers 2\n"));
    let workers = server.workers();
    assert_eq!(workers.len(), 2);
    assert_eq!(server.terminate(), Some(0));
    for worker in workers {
        let status = format!("/proc/{worker}/cmdline");
        let left = std::fs::read_to_string(status).unwrap_or_default();
        assert!(!left.contains("tureen"), "worker {worker} is left: {left}");
    }
}

#[test]
fn ctrl_c_is_no_error() {
    let server = Server::start_with_log(&["--workers=2"]);
    killpg(pid(server.process.id()), Signal::SIGINT).unwrap();
    let (code, log) = server.end();
    assert_eq!(code, Some(0));
    assert!(log.contains("ending: "), "{log}");
    for word in ["ERROR", "WARN", "exited", "died", "\u{1b}"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

#[test]
fn a_signal_to_all_processes_is_no_error() {
    let server = Server::start_with_log(&["--workers=2"]);
    // This is the worst order: the server sees that its workers are gone before it gets the signal
    // itself.
    let workers = server.workers();
    for worker in &workers {
        kill(pid(*worker), Signal::SIGTERM).unwrap();
    }
    until_gone(&workers);
    kill(pid(server.process.id()), Signal::SIGTERM).unwrap();
    let (code, log) = server.end();
    assert_eq!(code, Some(0));
    for word in ["ERROR", "WARN", "died"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

#[test]
fn a_worker_that_ends_alone_is_an_error() {
    let mut server = Server::start_with_log(&["--workers=1"]);
    for worker in server.workers() {
        kill(pid(worker), Signal::SIGTERM).unwrap();
    }
    let mut lines = BufReader::new(server.process.stderr.take().unwrap()).lines();
    let died = lines.find_map(|line| line.ok().filter(|line| line.contains("died")));
    assert!(died.unwrap().contains("ERROR"));
    let again = lines.find_map(|line| line.ok().filter(|line| line.contains("runs again")));
    assert!(again.is_some());
    // A server whose log nobody reads any more goes on.
    drop(lines);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn what_is_announced_is_told() {
    let server = Server::start_with_log(&[
        "--workers=1",
        "--announced-address=localhost",
        "--rtc-listen=127.0.0.1",
    ]);
    kill(pid(server.process.id()), Signal::SIGTERM).unwrap();
    let (_, log) = server.end();
    assert!(log.contains("announced=\"localhost\""), "{log}");
    let warning = "announced-address is localhost, which leads every browser to its own machine";
    assert!(log.contains(warning), "{log}");
}

#[test]
fn workers_end_when_their_server_is_killed() {
    let mut server = Server::start(&["--workers=1"]);
    let workers = server.workers();
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    until_gone(&workers);
}

#[test]
fn what_is_wrong_is_named_by_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = format!("--listen={address}");
    let taken_for_media = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rtc_port = format!(
        "--rtc-port={}",
        taken_for_media.local_addr().unwrap().port()
    );
    for (arguments, expected) in [
        (vec!["serve", "--max-rooms=0"], "--max-rooms"),
        (vec!["serve", "--unknown=0"], "--unknown"),
        (
            vec!["serve", "--config=/nonexistent.toml"],
            "/nonexistent.toml",
        ),
        (vec!["serve", &listen], "listen: 127.0.0.1:"),
        (
            vec!["serve", "--listen=127.0.0.1:0", "--log=tureen=x=y"],
            "log: ",
        ),
        (
            vec!["serve", "--listen=127.0.0.1:0", "--log=verbose"],
            "log: \"verbose\" is neither a level nor a module",
        ),
        (
            vec!["serve", "--codecs=opus"],
            "codecs: there is no codec for pictures",
        ),
        (
            vec!["serve", "--codecs=vp8"],
            "codecs: there is no codec for sound",
        ),
        (
            vec!["serve", "--codecs=opus,vp8,vp8"],
            "codecs: Vp8 is there twice",
        ),
        (
            vec!["serve", "--ping-interval=10", "--ping-timeout=10"],
            "ping-timeout: ",
        ),
        (
            vec!["serve", "--record-channel=/proc/nope"],
            "record-channel: /proc/nope: ",
        ),
        (
            vec!["serve", "--record-channel=/dev/null"],
            "record-channel: /dev/null: ",
        ),
        (
            vec![
                "serve",
                "--listen=127.0.0.1:0",
                "--tls-cert=/x.pem",
                "--tls-key=/y.pem",
            ],
            "tls-cert: /x.pem: ",
        ),
        (
            vec![
                "serve",
                "--listen=127.0.0.1:0",
                "--workers=2",
                "--rtc-port=65535",
            ],
            "not enough ports",
        ),
        (
            vec![
                "serve",
                "--listen=127.0.0.1:0",
                "--workers=1",
                "--rtc-listen=127.0.0.1",
                &rtc_port,
            ],
            "rtc-port: UDP 127.0.0.1:",
        ),
    ] {
        let stderr = fails(&arguments);
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        let lines = stderr.lines().filter(|line| line.starts_with("tureen:"));
        assert!(lines.count() <= 1, "it is said twice: {stderr}");
    }
}

#[test]
fn where_a_bad_value_stands_is_told() {
    let file = std::env::temp_dir().join(format!("tureen-{}.toml", uuid::Uuid::new_v4()));
    std::fs::write(&file, "max-people = \"some\"\n").unwrap();
    let config = format!("--config={}", file.display());
    let from_file = format!(
        "config: {}: line 1: max-people: invalid type: string",
        file.display()
    );
    for (arguments, variable, expected) in [
        (
            vec!["serve"],
            Some("none"),
            "environment variable TUREEN_MAX_PEOPLE: invalid value 'none': ",
        ),
        (
            vec!["serve", "--max-people=few"],
            Some("none"),
            "--max-people",
        ),
        (
            vec!["serve", &config],
            Some("none"),
            "variable TUREEN_MAX_PEOPLE",
        ),
        (vec!["serve", &config], None, &from_file),
    ] {
        let output = command()
            .args(&arguments)
            .envs(variable.map(|value| ("TUREEN_MAX_PEOPLE", value)))
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        let sources = ["TUREEN_MAX_PEOPLE", "'--max-people", "config: "];
        let named = sources.iter().filter(|source| stderr.contains(**source));
        assert_eq!(named.count(), 1, "{arguments:?}: {stderr}");
    }
    std::fs::remove_file(file).unwrap();
}
