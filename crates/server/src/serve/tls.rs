//! The certificate of the pages. Errors name its file, and it can be replaced while the server
//! runs. Clients that speak plain HTTP get an answer, too.

use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::door::Visitor;
use crate::config::HttpConfig;

/// Why certificate and key cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{key}: {path}: {source}")]
    Read {
        /// Of the configuration.
        key: &'static str,
        /// As configured.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file has not what it should have.
    #[error("{key}: {path}: there is no {wanted} in it, in PEM")]
    Content {
        /// Of the configuration.
        key: &'static str,
        /// As configured.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// They do not belong together.
    #[error("tls-cert, tls-key: the key in {key} is not the one of the certificate in {cert}")]
    Mismatch {
        /// As configured.
        cert: PathBuf,
        /// As configured.
        key: PathBuf,
    },
    /// The library refuses them.
    #[error("tls-cert, tls-key: {cert}: {source}")]
    Refused {
        /// As configured.
        cert: PathBuf,
        /// What the library says.
        source: rustls::Error,
    },
}

/// The certificate in the files now; none if TLS is not configured. Reads two small files.
pub(super) fn server_config(http: &HttpConfig) -> Result<Option<Arc<ServerConfig>>, TlsError> {
    let (Some(cert), Some(key)) = (&http.tls_cert, &http.tls_key) else {
        return Ok(None);
    };
    // This is the only provider in this build. One that was installed before will do as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read("tls-cert", cert)?)
        .filter_map(Result::ok)
        .collect();
    if chain.is_empty() {
        return Err(missing("tls-cert", cert, "certificate"));
    }
    let private = PrivateKeyDer::from_pem_slice(&read("tls-key", key)?)
        .map_err(|_| missing("tls-key", key, "private key"))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|source| match source {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
                cert: cert.clone(),
                key: key.clone(),
            },
            source => TlsError::Refused {
                cert: cert.clone(),
                source,
            },
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        key,
        path: path.to_owned(),
        source,
    })
}

fn missing(key: &'static str, path: &Path, wanted: &'static str) -> TlsError {
    TlsError::Content {
        key,
        path: path.to_owned(),
        wanted,
    }
}

/// Accepts TLS connections, and tells clients with plain HTTP that this port speaks TLS.
#[derive(Clone, Debug)]
pub(super) struct TlsOnly(RustlsAcceptor);

impl TlsOnly {
    pub(super) fn new(config: RustlsConfig) -> Self {
        Self(RustlsAcceptor::new(config))
    }
}

impl<S: Send + 'static> Accept<Visitor, S> for TlsOnly {
    type Stream = <RustlsAcceptor as Accept<Visitor, S>>::Stream;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, S)>> + Send>>;

    fn accept(&self, mut stream: Visitor, service: S) -> Self::Future {
        let tls = self.0.clone();
        Box::pin(async move {
            let mut first = [0];
            timeout(PATIENCE, stream.peek(&mut first)).await??;
            // RFC 8446 §5.1: a connection begins with a record of type handshake, 22. A method of
            // HTTP begins with a letter.
            if first[0].is_ascii_alphabetic() {
                let _ = timeout(PATIENCE, explain(stream)).await;
                return Err(io::ErrorKind::InvalidData.into());
            }
            tls.accept(stream, service).await
        })
    }
}

async fn explain(mut stream: Visitor) -> io::Result<()> {
    stream.write_all(PLAIN_HTTP.as_bytes()).await?;
    stream.shutdown().await?;
    // If a socket is closed with unread data, it is reset, and the answer may be lost.
    let mut rest = [0; 1024];
    let mut left = MOST_READ;
    while left > 0 {
        match stream.read(&mut rest).await? {
            0 => break,
            size => left = left.saturating_sub(size),
        }
    }
    Ok(())
}

const PLAIN_HTTP: &str = "HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 55\r\n\
    connection: close\r\n\r\n\
    This port speaks HTTPS: begin the address with https:.\n";
/// How long a client may take with its first byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a request that are read to be thrown away.
const MOST_READ: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_length_that_it_says() {
        let (head, body) = PLAIN_HTTP.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{}",
            body.len()
        );
    }
}
