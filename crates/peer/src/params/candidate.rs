//! Host candidates and the line that describes one.

use std::{fmt, net::IpAddr, str::FromStr};

/// The transport protocol of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceProtocol {
    /// UDP
    Udp,
    /// TCP (RFC 6544); a peer ignores such candidates.
    Tcp,
}

/// A host candidate of component 1 (RFC 8445 §5.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceCandidate {
    /// 1 to 32 characters; equal for candidates of one kind and base.
    pub foundation: String,
    /// 1 to 2^31 - 1, the larger the better.
    pub priority: u32,
    /// The address to send to.
    pub address: IpAddr,
    /// UDP or TCP.
    pub protocol: IceProtocol,
    /// The port to send to.
    pub port: u16,
}

/// Why a candidate line cannot be used; names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("candidate field {field}: {value:?}")]
pub struct IceCandidateError {
    field: &'static str,
    value: String,
}

impl FromStr for IceCandidate {
    type Err = IceCandidateError;

    /// Reads the `candidate` attribute of RFC 8839 §5.1, with or without `a=` and `candidate:`.
    fn from_str(line: &str) -> Result<Self, IceCandidateError> {
        let line = line.trim().trim_start_matches("a=");
        let mut fields = line.trim_start_matches("candidate:").split_whitespace();
        let mut next = |field| {
            let value = fields.next().unwrap_or_default().to_owned();
            Field { field, value }
        };
        let foundation = next("foundation");
        if foundation.value.is_empty() {
            return Err(foundation.error());
        }
        let component = next("component-id");
        if component.value != "1" {
            return Err(component.error());
        }
        let transport = next("transport");
        let protocol = match transport.value.to_ascii_lowercase().as_str() {
            "udp" => IceProtocol::Udp,
            "tcp" => IceProtocol::Tcp,
            _ => return Err(transport.error()),
        };
        Ok(Self {
            foundation: foundation.value,
            priority: next("priority").parse()?,
            address: next("connection-address").parse()?,
            protocol,
            port: next("port").parse()?,
        })
    }
}

impl fmt::Display for IceCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, tcp_type) = match self.protocol {
            IceProtocol::Udp => ("udp", ""),
            IceProtocol::Tcp => ("tcp", " tcptype passive"),
        };
        write!(
            f,
            "candidate:{} 1 {protocol} {} {} {} typ host{tcp_type}",
            self.foundation, self.priority, self.address, self.port
        )
    }
}

struct Field {
    field: &'static str,
    value: String,
}

impl Field {
    fn parse<T: FromStr>(self) -> Result<T, IceCandidateError> {
        self.value.parse().map_err(|_| self.error())
    }

    fn error(self) -> IceCandidateError {
        IceCandidateError {
            field: self.field,
            value: self.value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidate_line_is_read_and_written() {
        let line =
            "a=candidate:udpcandidate 1 UDP 1076302079 127.0.0.1 40001 typ host generation 0";
        let candidate: IceCandidate = line.parse().unwrap();
        assert_eq!(candidate.port, 40001);
        assert_eq!(
            candidate.to_string(),
            "candidate:udpcandidate 1 udp 1076302079 127.0.0.1 40001 typ host"
        );
        assert_eq!(candidate.to_string().parse(), Ok(candidate));
    }

    #[test]
    fn bad_field_is_named() {
        for (line, field) in [
            ("", "foundation"),
            ("x 2 udp 1 127.0.0.1 4 typ host", "component-id"),
            ("x 1 sctp 1 127.0.0.1 4 typ host", "transport"),
            ("x 1 udp -1 127.0.0.1 4 typ host", "priority"),
            ("x 1 udp 1 a.local 4 typ host", "connection-address"),
            ("x 1 udp 1 127.0.0.1 65536 typ host", "port"),
        ] {
            assert_eq!(line.parse::<IceCandidate>().unwrap_err().field, field);
        }
    }
}
