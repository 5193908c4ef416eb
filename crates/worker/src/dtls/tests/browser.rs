//! A client that offers DTLS 1.3 as browsers do, and takes 1.2.

use dimpl::{Config, Dtls, DtlsCertificate, Output};

use super::*;
use crate::srtp::SrtpKeys;

/// The client.
pub(super) struct BrowserSession {
    engine: Dtls,
    clock: ClockAnchor,
    has_failed: bool,
}

impl BrowserSession {
    pub(super) fn end() -> End<Self> {
        let own = Certificate::generate().unwrap();
        let certificate = DtlsCertificate {
            certificate: own.der().to_vec(),
            private_key: own.private_key().to_vec(),
        };
        let clock = clock();
        let config = Arc::new(Config::default());
        let engine = Dtls::new_auto(config, certificate, clock.to_std(START));
        let session = Self {
            engine,
            clock,
            has_failed: false,
        };
        End::over(session, &own)
    }
}

impl DtlsSession for BrowserSession {
    fn start(&mut self, now: Instant, _: SessionRole) -> Result<(), SessionError> {
        self.engine.set_active(true);
        self.handle_timeout(now)
    }

    fn handle_records(&mut self, now: Instant, records: &[u8]) -> Result<(), SessionError> {
        self.handle_timeout(now)?;
        let result = self.engine.handle_packet(records);
        self.has_failed |= result.is_err();
        result.map_err(|error| SessionError(error.to_string()))
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        let result = self.engine.handle_timeout(self.clock.to_std(now));
        result.map_err(|error| SessionError(error.to_string()))
    }

    fn send(&mut self, data: &[u8]) -> Result<(), SessionError> {
        let sent = self.engine.send_application_data(data);
        sent.map_err(|error| SessionError(error.to_string()))
            .map(drop)
    }

    fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent {
        loop {
            return match self.engine.poll_output(buffer) {
                Output::Packet(packet) => SessionEvent::Datagram(packet.len()),
                Output::PeerCert(certificate) => {
                    SessionEvent::PeerCertificate(certificate.to_vec())
                }
                Output::KeyingMaterial(material, _) => {
                    let suite = SrtpCryptoSuite::AeadAes256Gcm;
                    SessionEvent::Connected(SrtpKeys::from_exporter(suite, &material).ok())
                }
                Output::ApplicationData(data) => SessionEvent::ApplicationData(data.len()),
                Output::CloseNotify => SessionEvent::Closed,
                Output::Timeout(at) => SessionEvent::Idle(Some(self.clock.from_std(at))),
                _ => continue,
            };
        }
    }

    fn close(&mut self) {
        self.engine.close().unwrap();
    }
}
