//! What an operator does to a running server: looks whether it is ready, reloads it, and runs it
//! out of descriptors.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{ChildStderr, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use crate::server::{Server, command, pid};

/// A directory with certificate and key, gone with the test.
struct Certificates(PathBuf);

impl Certificates {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("tureen-tls-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn flag(&self, flag: &str, name: &str) -> String {
        format!("--{flag}={}", self.path(name).display())
    }

    /// Puts a new certificate and its key into place, and returns the certificate.
    fn renew(&self) -> Vec<u8> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(self.path("cert.pem"), made.cert.pem()).unwrap();
        fs::write(self.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().to_vec()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Any certificate is good: the test looks at it itself.
#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// A connection over TLS that is kept open.
struct Secure(StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    fn connect(server: &Server) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Any))
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(tls, TcpStream::connect(&server.authority).unwrap());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        Self(stream)
    }

    fn certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().unwrap()[0].to_vec()
    }

    /// Whether a request on this connection is answered.
    fn is_answered(&mut self) -> bool {
        let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        self.0.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        self.0.read_exact(&mut answer).is_ok() && answer == *b"HTTP/1.1 200"
    }
}

/// Sends SIGHUP and waits for the log line with the result. If none comes, the server is killed, and
/// its log ends.
fn reload(server: &Server, log: &mut BufReader<ChildStderr>, expected: &str) {
    let process = pid(server.process.id());
    kill(process, Signal::SIGHUP).unwrap();
    let (is_logged, logged) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if logged.recv_timeout(Duration::from_secs(20)) == Err(RecvTimeoutError::Timeout) {
            kill(process, Signal::SIGKILL).unwrap();
        }
    });
    let mut lines = log.lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains(expected)));
    drop(is_logged);
    watch.join().unwrap();
    assert!(line.is_some(), "{expected:?} was not logged");
}

#[test]
fn a_renewed_certificate_is_served_and_nothing_ends() {
    let files = Certificates::new();
    let first = files.renew();
    let flags = [
        "--workers=1".to_owned(),
        files.flag("tls-cert", "cert.pem"),
        files.flag("tls-key", "key.pem"),
    ];
    let mut server = Server::start_with_log(&flags.each_ref().map(String::as_str));
    let mut log = BufReader::new(server.process.stderr.take().unwrap());
    let workers = server.workers();
    let mut old = Secure::connect(&server);
    assert_eq!(old.certificate(), first);

    fs::write(files.path("cert.pem"), "nonsense").unwrap();
    reload(&server, &mut log, "nothing is changed: tls-cert: ");
    assert_eq!(Secure::connect(&server).certificate(), first);

    let second = files.renew();
    reload(&server, &mut log, "new connections get the certificate");
    assert_eq!(Secure::connect(&server).certificate(), second);
    assert!(old.is_answered(), "a connection has ended");
    assert_eq!(server.workers(), workers);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn plain_http_at_the_https_port_is_told_so() {
    let files = Certificates::new();
    files.renew();
    let server = Server::start(&[
        "--workers=1",
        &files.flag("tls-cert", "cert.pem"),
        &files.flag("tls-key", "key.pem"),
    ]);
    let answer = server.get("/");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("This port speaks HTTPS"), "{answer}");
}

#[test]
fn what_is_wrong_with_certificate_and_key_is_said() {
    let files = Certificates::new();
    files.renew();
    fs::rename(files.path("key.pem"), files.path("other.pem")).unwrap();
    files.renew();
    fs::write(files.path("empty.pem"), "").unwrap();
    for (cert, key, expected) in [
        ("no.pem", "key.pem", "tls-cert: "),
        (
            "empty.pem",
            "key.pem",
            "empty.pem: there is no certificate in it",
        ),
        (
            "cert.pem",
            "empty.pem",
            "empty.pem: there is no private key in it",
        ),
        (
            "cert.pem",
            "other.pem",
            "other.pem is not the one of the certificate in ",
        ),
    ] {
        let flags = ["serve", "--listen=127.0.0.1:0"];
        let tls = [files.flag("tls-cert", cert), files.flag("tls-key", key)];
        let output = command()
            .args(flags)
            .args(tls)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains(expected),
            "{cert} {key}: {said}"
        );
    }
}

#[test]
fn a_reload_takes_over_what_can_change_and_names_the_rest() {
    let files = Certificates::new();
    let file = files.path("tureen.toml");
    fs::write(&file, "metrics-remote = false\n").unwrap();
    let config = files.flag("config", "tureen.toml");
    let mut server = Server::start_with_log(&["--workers=1", &config]);
    let mut log = BufReader::new(server.process.stderr.take().unwrap());
    let remote = |server: &Server| {
        let mut stream = TcpStream::connect(&server.authority).unwrap();
        let host = &server.authority;
        let head = format!("GET /metrics HTTP/1.1\r\nhost: {host}\r\nvia: x\r\n");
        write!(stream, "{head}connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer[..12].to_owned()
    };
    assert_eq!(remote(&server), "HTTP/1.1 403");
    fs::write(&file, "metrics-remote = \"perhaps\"\n").unwrap();
    reload(&server, &mut log, "nothing is changed: ");
    assert_eq!(remote(&server), "HTTP/1.1 403");
    // Everything else is good, and is not taken over either.
    fs::write(&file, "metrics-remote = true\nlog = \"verbose\"\n").unwrap();
    reload(&server, &mut log, "nothing is changed: log: ");
    fs::write(&file, "metrics-remote = true\ncodecs = [\"opus\"]\n").unwrap();
    reload(&server, &mut log, "nothing is changed: codecs: ");
    assert_eq!(remote(&server), "HTTP/1.1 403");
    let new =
        "metrics-remote = true\nmax-rooms = 7\ntls-cert = \"cert.pem\"\ntls-key = \"key.pem\"\n";
    files.renew();
    let new = new.replace("\"cert", &format!("\"{}/cert", files.0.display()));
    let new = new.replace("\"key", &format!("\"{}/key", files.0.display()));
    fs::write(&file, new).unwrap();
    let fixed = "these stay as they are until a restart: max-rooms, tls-cert, tls-key";
    reload(&server, &mut log, fixed);
    assert_eq!(remote(&server), "HTTP/1.1 200");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_reload_does_not_open_a_server_that_has_keys() {
    let files = Certificates::new();
    let file = files.path("tureen.toml");
    let key = "a-secret-of-thirty-two-characters";
    fs::write(&file, format!("keys = [\"key:{key}\"]\n")).unwrap();
    let config = files.flag("config", "tureen.toml");
    let mut server = Server::start_with_log(&["--workers=1", &config]);
    let mut log = BufReader::new(server.process.stderr.take().unwrap());
    let publish = || {
        let mut stream = TcpStream::connect(&server.authority).unwrap();
        let host = &server.authority;
        let head = format!("POST /whip/room HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n");
        write!(stream, "{head}connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer[..12].to_owned()
    };
    assert_eq!(publish(), "HTTP/1.1 401");
    // An editor that empties the file before it writes it.
    fs::write(&file, "").unwrap();
    reload(&server, &mut log, "nothing is changed: keys: ");
    assert_eq!(publish(), "HTTP/1.1 401");
    fs::write(&file, format!("keys = [\"other:{key}\", \"weak:abc\"]\n")).unwrap();
    reload(
        &server,
        &mut log,
        "can be guessed from any token key=\"weak\"",
    );
    assert_eq!(publish(), "HTTP/1.1 401");
}

#[test]
fn a_server_is_ready_while_it_has_a_worker() {
    let server = Server::start(&["--workers=1"]);
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));
    let patience = Instant::now() + Duration::from_secs(20);
    let until = |status: &str| {
        while !server.get("/readyz").starts_with(status) {
            assert!(server.get("/healthz").starts_with("HTTP/1.1 200"));
            assert!(Instant::now() < patience, "never {status}");
        }
    };
    kill(pid(server.workers()[0]), Signal::SIGKILL).unwrap();
    until("HTTP/1.1 503");
    until("HTTP/1.1 200");
}

#[test]
fn a_server_out_of_descriptors_lets_newcomers_in_while_the_crowd_stays() {
    let mut server = limited(&["--workers=1"]);
    let mut log = BufReader::new(server.process.stderr.take().unwrap()).lines();
    let crowd: Vec<_> = (0..300)
        .map(|_| TcpStream::connect(&server.authority).unwrap())
        .collect();
    let lack = log.find_map(|line| line.ok().filter(|line| line.contains("descriptors")));
    assert!(lack.unwrap().contains("limit=100"));
    for _ in 0..3 {
        assert!(server.get("/healthz").ends_with("ok\n"));
    }
    drop(crowd);
    server.terminate();
    let again = log.filter(|line| line.as_ref().is_ok_and(|line| line.contains("descriptors")));
    assert_eq!(again.count(), 0, "the same lack is logged twice");
}

#[test]
fn newcomers_get_through_a_silent_crowd_at_the_https_port() {
    let files = Certificates::new();
    files.renew();
    let server = limited(&[
        "--workers=1",
        &files.flag("tls-cert", "cert.pem"),
        &files.flag("tls-key", "key.pem"),
    ]);
    // It includes the crowd's own way in: those that find no place wait in the kernel's queue.
    let start = Instant::now();
    let crowd: Vec<_> = (0..300)
        .map(|_| TcpStream::connect(&server.authority).unwrap())
        .collect();
    assert!(Secure::connect(&server).is_answered());
    // The crowd goes because others want its place, and not because its own time is over.
    assert!(start.elapsed() < Duration::from_secs(8));
    drop(crowd);
}

/// A server with 100 descriptors.
fn limited(flags: &[&str]) -> Server {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 100 && exec \"$0\" \"$@\""]);
    limited.arg(env!("CARGO_BIN_EXE_tureen"));
    limited.stderr(Stdio::piped());
    Server::start_as(&mut limited, flags)
}

#[test]
fn what_cannot_be_dumped_is_named() {
    for (arguments, expected) in [
        (
            vec!["dump", "/nonexistent.chan"],
            "/nonexistent.chan: No such file",
        ),
        (vec!["dump", "/tmp"], "/tmp: "),
        (vec!["dump", "/etc/hostname"], "/etc/hostname: "),
        (
            vec!["dump", "-m", "nosuch", "/etc/hostname"],
            "nothing on the channel is called \"nosuch\"",
        ),
        (
            vec!["dump", "-m", "*create*", "/etc/hostname"],
            "/etc/hostname: ",
        ),
    ] {
        let output = command()
            .args(&arguments)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn a_misspelt_variable_is_warned_of() {
    let mut command = command();
    command.env("TUREEN_MAX_ROMS", "7").stderr(Stdio::piped());
    let server = Server::start_as(&mut command, &["--workers=1"]);
    kill(pid(server.process.id()), Signal::SIGTERM).unwrap();
    let (code, log) = server.end();
    assert_eq!(code, Some(0));
    assert!(
        log.contains("TUREEN_MAX_ROMS in the environment means nothing; TUREEN_MAX_ROOMS does"),
        "{log}"
    );
}

#[test]
fn a_log_that_nobody_reads_holds_up_nothing() {
    let mut server = Server::start_with_log(&["--workers=1", "--log=trace"]);
    let log = server.process.stderr.take().unwrap();
    // As small as a pipe can be, so that it is full at once.
    fcntl(&log, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    // Every request is worth some lines, and every answer shows that the server goes on.
    while server.get("/metrics").contains("log_lines_lost_total 0\n") {
        assert!(Instant::now() < patience, "no line is lost");
    }
    assert!(server.get("/healthz").ends_with("ok\n"));
    assert_eq!(server.terminate(), Some(0));
}
