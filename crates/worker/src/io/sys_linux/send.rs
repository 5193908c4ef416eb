//! `sendmmsg` where every message has a destination and, for GSO, a segment size of its own.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::address::Name;
use super::c_size_of;

/// The arrays that one call reads, allocated once.
pub(in crate::io) struct SendArrays {
    headers: Box<[libc::mmsghdr; MAX_MESSAGES]>,
    vectors: Box<[libc::iovec; MAX_MESSAGES]>,
    names: Box<[Name; MAX_MESSAGES]>,
    controls: Box<[Control; MAX_MESSAGES]>,
}

/// One message. It is a datagram, or with a segment size a train, which the kernel cuts into
/// datagrams.
#[derive(Clone, Copy, Debug)]
pub(in crate::io) struct Message<'a> {
    /// Where to.
    pub(in crate::io) remote: SocketAddr,
    /// Its bytes.
    pub(in crate::io) bytes: &'a [u8],
    /// The length of each datagram but the last; `None` for a single datagram.
    pub(in crate::io) segment_size: Option<u16>,
}

impl Message<'_> {
    /// How many datagrams it is.
    pub(in crate::io) fn datagrams(&self) -> usize {
        match self.segment_size {
            Some(size) => self.bytes.len().div_ceil(usize::from(size).max(1)),
            None => 1,
        }
    }
}

/// One `UDP_SEGMENT` control message: the header and its data, which needs no alignment beyond the
/// header's own.
#[derive(Clone, Copy)]
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    segment_size: u16,
    padding: [u8; 6],
}

impl SendArrays {
    pub(in crate::io) fn new() -> Self {
        // SAFETY: headers, vectors and control messages are integers and raw pointers, for which
        // all bits zero is a value.
        let (headers, vectors, control): (_, _, Control) =
            unsafe { (mem::zeroed(), mem::zeroed(), mem::zeroed()) };
        let mut controls = Box::new([control; MAX_MESSAGES]);
        for control in controls.iter_mut() {
            control.header.cmsg_level = libc::SOL_UDP;
            control.header.cmsg_type = libc::UDP_SEGMENT;
            control.header.cmsg_len = CONTROL_LEN as _;
        }
        Self {
            headers: Box::new(headers),
            vectors: Box::new(vectors),
            names: Box::new([Name::EMPTY; MAX_MESSAGES]),
            controls,
        }
    }

    /// How many messages one call takes at most.
    pub(in crate::io) const CAPACITY: usize = MAX_MESSAGES;

    /// Hands `messages` to the kernel, at most [`SendArrays::CAPACITY`] of them. Returns how many
    /// it took; it stops at the first that fails.
    ///
    /// # Errors
    ///
    /// The system's, if the very first message failed.
    pub(in crate::io) fn send(
        &mut self,
        fd: BorrowedFd<'_>,
        messages: &[Message<'_>],
    ) -> io::Result<usize> {
        let messages = &messages[..messages.len().min(MAX_MESSAGES)];
        for (index, message) in messages.iter().enumerate() {
            self.offer(index, message);
        }
        // SAFETY: the first `messages.len()` headers were written just now by `offer`. The pointers
        // in them lead to elements of this object's boxed arrays and to the messages' bytes, which
        // are borrowed for longer than the call; the kernel writes nothing but `msg_len`.
        let sent = unsafe {
            libc::sendmmsg(
                fd.as_raw_fd(),
                self.headers.as_mut_ptr(),
                u32::try_from(messages.len()).unwrap_or(0),
                libc::MSG_DONTWAIT as _,
            )
        };
        // The only negative result is the sign of an error.
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    fn offer(&mut self, index: usize, message: &Message<'_>) {
        self.vectors[index] = libc::iovec {
            iov_base: message.bytes.as_ptr().cast_mut().cast(),
            iov_len: message.bytes.len(),
        };
        let header = &mut self.headers[index].msg_hdr;
        header.msg_namelen = self.names[index].set(message.remote);
        header.msg_name = (&raw mut self.names[index]).cast();
        header.msg_iov = &raw mut self.vectors[index];
        header.msg_iovlen = 1;
        header.msg_flags = 0;
        match message.segment_size {
            None => {
                header.msg_control = ptr::null_mut();
                header.msg_controllen = 0;
            }
            Some(size) => {
                self.controls[index].segment_size = size;
                header.msg_control = (&raw mut self.controls[index]).cast();
                header.msg_controllen = CONTROL_SPACE as _;
            }
        }
    }
}

/// How many messages one call takes at most.
const MAX_MESSAGES: usize = 64;

// SAFETY: CMSG_LEN only does arithmetic.
const CONTROL_LEN: libc::c_uint = unsafe { libc::CMSG_LEN(c_size_of::<u16>()) };
// SAFETY: CMSG_SPACE only does arithmetic.
const CONTROL_SPACE: libc::c_uint = unsafe { libc::CMSG_SPACE(c_size_of::<u16>()) };

const _: () = {
    assert!(mem::offset_of!(Control, segment_size) + size_of::<u16>() == CONTROL_LEN as usize);
    assert!(size_of::<Control>() >= CONTROL_SPACE as usize);
};
