//! A network device whose other end is the test. Sent datagrams wait in the device until the test
//! answers where the neighbour is.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::errno::Errno;

use super::set_nonblocking;

/// A TAP device with the address [`Tap::LOCAL`], in a network namespace that the test has to
/// itself.
pub(in crate::io) struct Tap(File);

impl Tap {
    /// The device's own address.
    pub(in crate::io) const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
    /// The neighbour that the test plays.
    pub(in crate::io) const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);

    /// Makes the device, and brings it and loopback up.
    pub(in crate::io) fn open() -> io::Result<Self> {
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/net/tun")?;
        set_nonblocking(device.as_fd())?;
        let mut request = new_request("tap0");
        request.ifr_ifru.ifru_flags = flags(libc::IFF_TAP | libc::IFF_NO_PI);
        control(device.as_raw_fd(), libc::TUNSETIFF as _, &mut request)?;
        // Any socket will do for calls about devices.
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let addresses = [
            (libc::SIOCSIFADDR, Self::LOCAL),
            (libc::SIOCSIFNETMASK, Ipv4Addr::new(255, 255, 255, 0)),
        ];
        for (number, address) in addresses {
            request.ifr_ifru.ifru_addr = socket_address(address);
            control(socket.as_raw_fd(), number as _, &mut request)?;
        }
        for mut request in [request, new_request("lo")] {
            request.ifr_ifru.ifru_flags = flags(libc::IFF_UP);
            control(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &mut request)?;
        }
        Ok(Self(device))
    }

    /// Answers the question where the neighbour is (RFC 826). Call this when a datagram for it
    /// waits in the device.
    pub(in crate::io) fn answer_for_the_neighbour(&mut self) {
        let question = loop {
            let frame = self
                .frame()
                .expect("the system asks when something is sent");
            if frame[12..14] == [0x08, 0x06] {
                break frame;
            }
        };
        let hardware = [2, 0, 0, 0, 0, 9];
        let asker = &question[22..32];
        let answer = [
            &question[6..12],
            &hardware,
            &question[12..20],
            &[0, 2],
            &hardware,
            &Self::NEIGHBOUR.octets(),
            asker,
        ];
        self.0
            .write_all(&answer.concat())
            .expect("the device is up");
    }

    /// The payload of the next datagram that has left; `None` when there is none.
    pub(in crate::io) fn datagram(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut frame = self.frame()?;
            // IPv4 without options, and UDP in it.
            if frame[12..15] == [0x08, 0, 0x45] && frame[23] == 17 {
                return Some(frame.split_off(14 + 20 + 8));
            }
        }
    }

    fn frame(&mut self) -> Option<Vec<u8>> {
        let mut frame = vec![0; 2048];
        match self.0.read(&mut frame) {
            Ok(len) => frame.truncate(len),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) => panic!("{error}"),
        }
        Some(frame)
    }
}

fn new_request(name: &str) -> libc::ifreq {
    // SAFETY: a name of zeroes and a union of integers and pointers, for which all bits zero is a
    // value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = byte.cast_signed();
    }
    request
}

fn flags(flags: libc::c_int) -> libc::c_short {
    libc::c_short::try_from(flags).expect("flags of devices are short")
}

fn socket_address(address: Ipv4Addr) -> libc::sockaddr {
    let mut data = [0; 14];
    for (place, octet) in data[2..].iter_mut().zip(address.octets()) {
        *place = octet.cast_signed();
    }
    libc::sockaddr {
        sa_family: super::address::AF_INET,
        sa_data: data,
    }
}

fn control(fd: RawFd, number: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: each of these requests reads an ifreq, or writes one, where the pointer leads to.
    let result = unsafe { libc::ioctl(fd, number, request as *mut libc::ifreq) };
    Errno::result(result)?;
    Ok(())
}
