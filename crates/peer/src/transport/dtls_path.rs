//! The datagrams of DTLS between the ICE path and `webrtc-dtls`.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Mutex, mpsc};
use webrtc_util::Conn;

use super::{counters::Counters, ice::IceConn};

/// The DTLS datagrams of the ICE path, as the connection that `webrtc-dtls` reads and writes.
///
/// It works around two faults of that crate. When a server's last flight is lost, the crate never
/// repeats it, so this path does. One forged plaintext alert ends an established session, so
/// plaintext records stop here once there are keys.
pub(super) struct DtlsPath {
    conn: IceConn,
    inbound: Mutex<mpsc::Receiver<Bytes>>,
    handshake: SyncMutex<Handshake>,
    counters: Arc<Counters>,
}

enum Handshake {
    /// What we sent since the last datagram arrived. This is the flight that we may have to repeat.
    InProgress { flight: Vec<Bytes> },
    /// A completed handshake, and how often the last flight may still be repeated.
    Established { flight: Vec<Bytes>, repeats: u8 },
}

impl DtlsPath {
    pub(super) fn new(
        conn: IceConn,
        inbound: mpsc::Receiver<Bytes>,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            conn,
            inbound: Mutex::new(inbound),
            handshake: SyncMutex::new(Handshake::InProgress { flight: Vec::new() }),
            counters,
        }
    }

    /// Tells that the handshake is complete; a server repeats its last flight from now on.
    pub(super) fn established(&self, is_client: bool) {
        let mut handshake = self.handshake();
        let flight = match &mut *handshake {
            Handshake::InProgress { flight } if !is_client => std::mem::take(flight),
            Handshake::InProgress { .. } | Handshake::Established { .. } => Vec::new(),
        };
        *handshake = Handshake::Established {
            flight,
            repeats: MAX_REPEATS,
        };
    }

    fn handshake(&self) -> MutexGuard<'_, Handshake> {
        self.handshake
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides what happens to a datagram. `Repeat` holds the flight to send again.
    fn judge(&self, datagram: &[u8]) -> Verdict {
        match &mut *self.handshake() {
            Handshake::InProgress { flight } => {
                flight.clear();
                Verdict::Pass
            }
            Handshake::Established { flight, repeats } => {
                if !has_plaintext_record(datagram) {
                    return Verdict::Pass;
                }
                // "the server … MUST retransmit its last flight when it receives a retransmit of
                // the client's last flight" (RFC 6347 §4.2.4), which begins with plaintext
                // handshake records.
                let is_handshake = datagram.first() == Some(&CONTENT_TYPE_HANDSHAKE);
                if is_handshake && *repeats > 0 && !flight.is_empty() {
                    *repeats -= 1;
                    return Verdict::Repeat(flight.clone());
                }
                Verdict::Ignore
            }
        }
    }
}

enum Verdict {
    Pass,
    Repeat(Vec<Bytes>),
    Ignore,
}

type UtilResult<T> = Result<T, webrtc_util::Error>;

#[async_trait]
impl Conn for DtlsPath {
    async fn connect(&self, _addr: SocketAddr) -> UtilResult<()> {
        Err(not_applicable())
    }

    async fn recv(&self, buf: &mut [u8]) -> UtilResult<usize> {
        let mut inbound = self.inbound.lock().await;
        loop {
            let Some(datagram) = inbound.recv().await else {
                // On an error the crate's reader retries at once and without end. Dropping the
                // session stops it, so a closed path just stays silent.
                return std::future::pending().await;
            };
            match self.judge(&datagram) {
                Verdict::Pass => {
                    let Some(target) = buf.get_mut(..datagram.len()) else {
                        self.counters.malformed.increment();
                        continue;
                    };
                    target.copy_from_slice(&datagram);
                    return Ok(datagram.len());
                }
                Verdict::Repeat(flight) => {
                    for datagram in flight {
                        self.conn.send(&datagram).await?;
                    }
                }
                Verdict::Ignore => self.counters.ignored.increment(),
            }
        }
    }

    async fn recv_from(&self, buf: &mut [u8]) -> UtilResult<(usize, SocketAddr)> {
        let address = self.remote_addr().ok_or_else(not_applicable)?;
        Ok((self.recv(buf).await?, address))
    }

    async fn send(&self, buf: &[u8]) -> UtilResult<usize> {
        if let Handshake::InProgress { flight } = &mut *self.handshake() {
            flight.push(Bytes::copy_from_slice(buf));
        }
        self.conn.send(buf).await
    }

    async fn send_to(&self, _buf: &[u8], _target: SocketAddr) -> UtilResult<usize> {
        Err(not_applicable())
    }

    fn local_addr(&self) -> UtilResult<SocketAddr> {
        self.conn.local_addr()
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        self.conn.remote_addr()
    }

    async fn close(&self) -> UtilResult<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn std::any::Any + Send + Sync) {
        self
    }
}

fn not_applicable() -> webrtc_util::Error {
    webrtc_util::Error::Other("not applicable to a DTLS path".to_owned())
}

/// Whether any record of a datagram is of epoch 0 (RFC 6347 §4.1), or the datagram ends within a
/// record header.
fn has_plaintext_record(datagram: &[u8]) -> bool {
    let mut rest = datagram;
    while !rest.is_empty() {
        let Some(header) = rest.first_chunk::<RECORD_HEADER>() else {
            return true;
        };
        if header[3..5] == [0, 0] {
            return true;
        }
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        rest = rest.get(RECORD_HEADER + length..).unwrap_or_default();
    }
    false
}

const RECORD_HEADER: usize = 13;
const CONTENT_TYPE_HANDSHAKE: u8 = 22;
const MAX_REPEATS: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content_type: u8, epoch: u8, length: u8) -> Vec<u8> {
        let mut record = vec![
            content_type,
            254,
            253,
            0,
            epoch,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            length,
        ];
        record.resize(RECORD_HEADER + usize::from(length), 0xaa);
        record
    }

    #[test]
    fn plaintext_record_is_found_anywhere_in_a_datagram() {
        let encrypted = record(23, 1, 20);
        assert!(!has_plaintext_record(&encrypted));
        assert!(!has_plaintext_record(
            &[encrypted.clone(), record(22, 2, 0)].concat()
        ));
        assert!(has_plaintext_record(&record(21, 0, 2)));
        assert!(has_plaintext_record(
            &[encrypted.clone(), record(21, 0, 2)].concat()
        ));
        assert!(has_plaintext_record(&[&encrypted[..], &[21, 254]].concat()));
    }

    #[tokio::test]
    async fn server_repeats_its_last_flight_and_ignores_forged_alerts() {
        let (near, far) = webrtc_util::conn::conn_pipe::pipe();
        let (inbound_tx, inbound) = mpsc::channel(8);
        let counters = Arc::new(Counters::default());
        let path = DtlsPath::new(Arc::new(near), inbound, Arc::clone(&counters));
        let mut buf = [0; 100];

        path.send(b"hello verify").await.unwrap();
        inbound_tx.send(record(22, 0, 30).into()).await.unwrap();
        assert_eq!(path.recv(&mut buf).await.unwrap(), 43);
        path.send(b"finished").await.unwrap();
        path.established(false);

        // A forged alert, the client's repeated flight, then a protected record that must get
        // through.
        for datagram in [record(21, 0, 2), record(22, 0, 30), record(23, 1, 7)] {
            inbound_tx.send(datagram.into()).await.unwrap();
        }
        assert_eq!(path.recv(&mut buf).await.unwrap(), RECORD_HEADER + 7);
        assert_eq!(counters.snapshot().ignored, 1);

        let mut sent = Vec::new();
        for _ in 0..3 {
            let length = far.recv(&mut buf).await.unwrap();
            sent.push(buf[..length].to_vec());
        }
        assert_eq!(sent, [&b"hello verify"[..], b"finished", b"finished"]);
    }
}
