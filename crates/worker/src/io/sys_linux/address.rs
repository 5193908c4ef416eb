//! Socket addresses as the kernel reads and writes them.

use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::c_size_of;

/// Room for an address of either family.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union Name {
    family: libc::sa_family_t,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl Name {
    /// An address of no family, for the kernel to write over.
    pub(super) const EMPTY: Self = Self {
        // SAFETY: a sockaddr_in6 is plain integers, for which all bits zero is a value.
        v6: unsafe { mem::zeroed() },
    };

    /// Writes `address` down; returns how many bytes of the union it takes.
    pub(super) fn set(&mut self, address: SocketAddr) -> libc::socklen_t {
        *self = Self::EMPTY;
        match address {
            SocketAddr::V4(address) => {
                self.v4 = libc::sockaddr_in {
                    sin_family: AF_INET,
                    sin_port: address.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes(address.ip().octets()),
                    },
                    sin_zero: [0; 8],
                };
                c_size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(address) => {
                self.v6 = libc::sockaddr_in6 {
                    sin6_family: AF_INET6,
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: address.flowinfo(),
                    sin6_addr: libc::in6_addr {
                        s6_addr: address.ip().octets(),
                    },
                    sin6_scope_id: address.scope_id(),
                };
                c_size_of::<libc::sockaddr_in6>()
            }
        }
    }

    /// The address that the kernel wrote; `None` for another family.
    ///
    /// The flow label is left out. It may change from packet to packet, and an address must name
    /// its remote whatever the label is.
    pub(super) fn get(&self) -> Option<SocketAddr> {
        // SAFETY: all three members begin with the family, and every bit pattern of the plain
        // integers that they consist of is a value.
        let (family, v4, v6) = unsafe { (self.family, self.v4, self.v6) };
        match family {
            AF_INET => {
                let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
                let port = u16::from_be(v4.sin_port);
                Some(SocketAddrV4::new(ip, port).into())
            }
            AF_INET6 => {
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                let port = u16::from_be(v6.sin6_port);
                Some(SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id).into())
            }
            _ => None,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "address families are small"
)]
pub(super) const AF_INET: libc::sa_family_t = libc::AF_INET as libc::sa_family_t;
#[expect(
    clippy::cast_possible_truncation,
    reason = "address families are small"
)]
const AF_INET6: libc::sa_family_t = libc::AF_INET6 as libc::sa_family_t;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_way_through_the_kernels_form() {
        for text in ["192.0.2.7:65535", "[2001:db8::7]:9", "[::ffff:192.0.2.7]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            let mut name = Name::EMPTY;
            let size = name.set(address);
            assert_eq!(name.get(), Some(address));
            assert_eq!(size, if address.is_ipv4() { 16 } else { 28 });
        }
        assert_eq!(Name::EMPTY.get(), None);
    }

    #[test]
    fn the_scope_of_a_link_local_address_stays() {
        let ip = "fe80::1".parse().unwrap();
        let address = SocketAddr::from(SocketAddrV6::new(ip, 4, 0, 3));
        let mut name = Name::EMPTY;
        name.set(address);
        assert_eq!(name.get(), Some(address));
    }
}
