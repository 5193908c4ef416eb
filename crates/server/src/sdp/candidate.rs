//! ICE candidates of the browser.

use super::SdpError;

/// A candidate that the browser trickled (RFC 8839 §5.1).
///
/// An ICE-lite side sends no checks and learns where its peer is from the checks that arrive, so
/// a candidate is read to refuse nonsense, and then there is nothing to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteCandidate {
    /// UDP or TCP.
    pub transport: CandidateTransport,
    /// An address, or an mDNS name that hides it.
    pub address: String,
    /// The port; 9 for active TCP.
    pub port: u16,
}

/// Transport of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CandidateTransport {
    /// UDP
    Udp,
    /// TCP (RFC 6544)
    Tcp,
}

impl RemoteCandidate {
    /// Reads `candidate:<foundation> <component> <transport> <priority> <address> <port> typ …`,
    /// with or without the `a=` before it. The empty text marks the end of candidates.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, SdpError> {
        let text = text.trim();
        let text = text.strip_prefix("a=").unwrap_or(text);
        if text.is_empty() || text == "end-of-candidates" {
            return Ok(None);
        }
        if text.len() > MAX_LENGTH {
            return Err(SdpError::Candidate("it is too long"));
        }
        let text = text
            .strip_prefix("candidate:")
            .ok_or(SdpError::Candidate("it does not begin with candidate:"))?;
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let &[
            _,
            component,
            transport,
            priority,
            address,
            port,
            "typ",
            _,
            ..,
        ] = words.as_slice()
        else {
            return Err(SdpError::Candidate("fields are missing"));
        };
        if component.parse::<u16>().is_err() || priority.parse::<u32>().is_err() {
            return Err(SdpError::Candidate("component or priority is no number"));
        }
        let transport = match transport.to_ascii_lowercase().as_str() {
            "udp" => CandidateTransport::Udp,
            "tcp" => CandidateTransport::Tcp,
            _ => return Err(SdpError::Candidate("its transport is neither udp nor tcp")),
        };
        Ok(Some(Self {
            transport,
            address: address.to_owned(),
            port: port
                .parse()
                .map_err(|_| SdpError::Candidate("its port is no port"))?,
        }))
    }
}

const MAX_LENGTH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_of_browsers_are_read() {
        let chromium = "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag EEtu network-cost 999";
        let read = RemoteCandidate::parse(chromium).unwrap().unwrap();
        assert_eq!(read.transport, CandidateTransport::Udp);
        assert_eq!((read.address.as_str(), read.port), ("203.0.113.7", 46154));

        let firefox = "candidate:4 1 TCP 2105524479 7b6cb3b2-1de2-4b45-b5b8-9d4f6c4ec8b4.local 9 typ host tcptype active";
        let read = RemoteCandidate::parse(firefox).unwrap().unwrap();
        assert_eq!(read.transport, CandidateTransport::Tcp);
        assert_eq!(read.port, 9);
    }

    #[test]
    fn the_end_of_candidates_is_no_candidate() {
        assert_eq!(RemoteCandidate::parse("").unwrap(), None);
        assert_eq!(RemoteCandidate::parse("a=end-of-candidates").unwrap(), None);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "hello",
            "candidate:1 1 udp 1 192.0.2.1",
            "candidate:1 1 sctp 1 192.0.2.1 5 typ host",
            "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
            "candidate:1 x udp 1 192.0.2.1 5 typ host",
        ] {
            assert!(RemoteCandidate::parse(text).is_err(), "{text}");
        }
        assert!(RemoteCandidate::parse(&"x".repeat(2000)).is_err());
    }
}
