//! Command lines and certificate files, right and wrong.

use std::os::unix::ffi::OsStringExt;

use super::*;

fn parse(arguments: &[&str]) -> Result<Settings, SettingsError> {
    Settings::parse(arguments.iter().map(OsString::from), |name| {
        (name == "MEDIASOUP_VERSION").then(|| OsString::from("3.27.1"))
    })
}

#[test]
fn without_arguments_the_defaults_hold() {
    let settings = parse(&[]).unwrap();
    assert_eq!(settings.version, "3.27.1");
    assert_eq!(settings.log_level, LogLevel::Error);
    assert_eq!(settings.log_tags, LogTags::NONE);
    assert_eq!((settings.ports.min, settings.ports.max), (10_000, 59_999));
    assert_eq!(settings.certificate_files, None);
    assert!(settings.read_certificate().unwrap().is_none());
}

#[test]
fn what_a_controller_sends_is_understood() {
    let settings = parse(&[
        "--logLevel=WaRn",
        "--logTag=ice",
        "--logTag=nonsense",
        "--logTags=sctp",
        "--rtcMinPort=0",
        "--rtcMaxPort=9999",
        "--dtlsCertificateFile=/a=b",
        "--dtlsPrivateKeyFile=key",
        "--libwebrtcFieldTrials=WebRTC-Bwe/Enabled/",
    ])
    .unwrap();
    assert_eq!(settings.log_level, LogLevel::Warn);
    let tags = LogTags::NONE.with(LogTag::Ice).with(LogTag::Sctp);
    assert_eq!(settings.log_tags, tags);
    assert_eq!(settings.ignored_tags, ["nonsense"]);
    assert_eq!((settings.ports.min, settings.ports.max), (0, 9999));
    let files = settings.certificate_files.unwrap();
    assert_eq!(files.certificate, PathBuf::from("/a=b"));
    assert_eq!(files.private_key, PathBuf::from("key"));
}

#[test]
fn ports_are_cut_to_sixteen_bits() {
    for (text, port) in [
        ("0", 0),
        ("65535", 65_535),
        ("65537", 1),
        ("131071", 65_535),
    ] {
        let min = format!("--rtcMinPort={text}");
        let settings = parse(&[&min, "--rtcMaxPort=-1"]).unwrap();
        assert_eq!(settings.ports.min, port, "{text}");
        assert_eq!(settings.ports.max, 65_535);
    }
}

#[test]
fn wrong_settings_are_refused_with_42_and_named() {
    for (arguments, said) in [
        (&["--logLevel=chatty"] as &[&str], "--logLevel"),
        (&["--logLevel="], "--logLevel"),
        (&["--logLevel"], "--logLevel=VALUE"),
        (&["--rtcMinPort"], "--rtcMinPort=VALUE"),
        (&["--rtcMinPort=ten"], "--rtcMinPort: not a number: \"ten\""),
        (&["--rtcMaxPort="], "--rtcMaxPort: not a number"),
        (&["--rtcMaxPort=99999999999"], "not a number"),
        (&["--rtcMaxPort=65536"], "rtcMaxPort (0)"),
        (&["--rtcMinPort=60000"], "rtcMinPort (60000)"),
        (&["--rtcMinPort=5", "--rtcMaxPort=4"], "cannot be less"),
        (&["--loglevel=debug"], "unknown option \"--loglevel=debug\""),
        (&["--verbose"], "unknown option"),
        (&["-h"], "unknown option"),
        (&["stray"], "unknown option"),
        (&[""], "unknown option"),
        (&["--dtlsCertificateFile=c"], "without --dtlsPrivateKeyFile"),
        (&["--dtlsPrivateKeyFile=k"], "without --dtlsCertificateFile"),
    ] {
        let error = parse(arguments).unwrap_err();
        assert_eq!(error.exit_code(), 42, "{arguments:?}");
        assert!(error.to_string().contains(said), "{arguments:?}: {error}");
    }
}

#[test]
fn an_argument_that_is_not_text_is_an_unknown_option() {
    let argument = OsString::from_vec(b"--logTag=\xff".to_vec());
    let error = Settings::parse([argument], |_| Some(OsString::new())).unwrap_err();
    assert!(matches!(error, SettingsError::UnknownOption(_)));
}

#[test]
fn no_version_comes_before_every_other_complaint() {
    let error = Settings::parse([OsString::from("--bad")], |_| None).unwrap_err();
    assert_eq!(error.exit_code(), 41);
}

/// A directory of this test's own, removed with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tureen-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn certificate_of(certificate: &Path, key: &Path) -> Result<Option<CertificatePem>, SettingsError> {
    parse(&[
        &format!("--dtlsCertificateFile={}", certificate.display()),
        &format!("--dtlsPrivateKeyFile={}", key.display()),
    ])?
    .read_certificate()
}

#[test]
fn good_files_are_read_and_bad_ones_named() {
    let scratch = Scratch::new("settings");
    let pair = rcgen::generate_simple_self_signed([]).unwrap();
    let certificate = scratch.file("certificate.pem", pair.cert.pem().as_bytes());
    let key = scratch.file("key.pem", pair.signing_key.serialize_pem().as_bytes());
    let read = certificate_of(&certificate, &key).unwrap().unwrap();
    assert_eq!(read.certificate, pair.cert.pem());
    assert_eq!(
        format!("{read:?}"),
        "CertificatePem",
        "keys stay out of logs"
    );

    let cut = &pair.cert.pem()[..200];
    for (bad, said) in [
        (scratch.0.join("absent"), "No such file"),
        (scratch.0.clone(), "not a regular file"),
        (PathBuf::from("/dev/null"), "not a regular file"),
        (scratch.file("empty", b""), "no PEM block"),
        (scratch.file("binary", b"\x30\x82\xff\xfe"), "not PEM text"),
        (scratch.file("cut", cut.as_bytes()), "no PEM block"),
        (
            scratch.file("label", b"-----BEGIN FISH-----\nAAAA\n-----END FISH-----\n"),
            "no PEM block",
        ),
        (
            scratch.file(
                "body",
                b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
            ),
            "no PEM block",
        ),
        (scratch.file("huge", &vec![b'A'; 1 << 21]), "larger than"),
    ] {
        let error = certificate_of(&bad, &key).unwrap_err();
        assert_eq!(error.exit_code(), 42);
        let text = error.to_string();
        assert!(text.contains("--dtlsCertificateFile"), "{text}");
        assert!(text.contains(said), "{text}");
        let error = certificate_of(&certificate, &bad).unwrap_err();
        assert!(
            error.to_string().contains("--dtlsPrivateKeyFile"),
            "{error}"
        );
    }
}
