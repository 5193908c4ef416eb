//! `recvmmsg` with the kernel's data on each message: the segment size of coalesced datagrams
//! (`UDP_GRO`), the receive time (`SO_TIMESTAMPNS`), and the number of dropped datagrams
//! (`SO_RXQ_OVFL`).

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::time::Duration;

use super::address::Name;
use super::{c_size_of, from_timespec};

/// The arrays that one call fills, allocated once. Between calls they hold what the last call
/// received.
pub(in crate::io) struct ReceiveArrays {
    headers: Box<[libc::mmsghdr; MAX_MESSAGES]>,
    vectors: Box<[libc::iovec; MAX_MESSAGES]>,
    names: Box<[Name; MAX_MESSAGES]>,
    controls: Box<[Control; MAX_MESSAGES]>,
    filled: usize,
}

/// How a buffer is cut into places for messages.
#[derive(Clone, Copy, Debug)]
pub(in crate::io) struct SlotSize {
    /// The maximum length of a message, in bytes. A longer one is cut and marked.
    pub(in crate::io) len: usize,
    /// The distance from one slot's start to the next, in bytes; not less than `len`.
    pub(in crate::io) stride: usize,
}

/// One received message: a datagram, or several of equal size that the kernel coalesced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::io) struct Received {
    /// Its length in bytes.
    pub(in crate::io) len: usize,
    /// Whether it was longer than its slot.
    pub(in crate::io) truncated: bool,
    /// Who sent it; `None` if the kernel names a family that is not ours.
    pub(in crate::io) remote: Option<SocketAddr>,
    /// The length of each datagram in it except the last, if it was coalesced.
    pub(in crate::io) segment_size: Option<usize>,
    /// When the kernel received it, since the Unix epoch.
    pub(in crate::io) unix: Option<Duration>,
    /// How many datagrams the kernel has dropped so far because the socket's queue was full;
    /// wraps.
    pub(in crate::io) overflow: Option<u32>,
}

/// Room for the control messages of one message, aligned as they need it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_SIZE]);

impl ReceiveArrays {
    pub(in crate::io) fn new() -> Self {
        // SAFETY: headers and vectors are integers and raw pointers, for which all bits zero is a
        // value.
        let (headers, vectors) = unsafe { (mem::zeroed(), mem::zeroed()) };
        Self {
            headers: Box::new(headers),
            vectors: Box::new(vectors),
            names: Box::new([Name::EMPTY; MAX_MESSAGES]),
            controls: Box::new([Control([0; CONTROL_SIZE]); MAX_MESSAGES]),
            filled: 0,
        }
    }

    /// Receives as many messages as there are and as have room: the first goes into `buffer`'s
    /// first slot, and so on. Returns whether all slots were filled, because then there may be
    /// more.
    ///
    /// # Errors
    ///
    /// The system's error; `WouldBlock` if there is nothing. Then the arrays hold nothing.
    pub(in crate::io) fn receive(
        &mut self,
        fd: BorrowedFd<'_>,
        buffer: &mut [u8],
        slot: SlotSize,
    ) -> io::Result<bool> {
        self.filled = 0;
        let mut slots = 0;
        for (index, space) in buffer
            .chunks_mut(slot.stride.max(1))
            .filter_map(|chunk| chunk.get_mut(..slot.len))
            .take(MAX_MESSAGES)
            .enumerate()
        {
            self.offer(index, space);
            slots = index + 1;
        }
        if slots == 0 {
            return Ok(true);
        }
        // SAFETY: the first `slots` headers were written just now by `offer`. The pointers in them
        // lead to elements of this object's boxed arrays and to disjoint pieces of `buffer`, all of
        // which are borrowed mutably for longer than the call, with the lengths written beside
        // them.
        let received = unsafe {
            libc::recvmmsg(
                fd.as_raw_fd(),
                self.headers.as_mut_ptr(),
                u32::try_from(slots).unwrap_or(0),
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        // The only negative result is the sign of an error.
        let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        self.filled = received.min(slots);
        Ok(received >= slots)
    }

    fn offer(&mut self, index: usize, space: &mut [u8]) {
        self.vectors[index] = libc::iovec {
            iov_base: space.as_mut_ptr().cast(),
            iov_len: space.len(),
        };
        let header = &mut self.headers[index];
        header.msg_len = 0;
        header.msg_hdr.msg_name = (&raw mut self.names[index]).cast();
        header.msg_hdr.msg_namelen = c_size_of::<Name>();
        header.msg_hdr.msg_iov = &raw mut self.vectors[index];
        header.msg_hdr.msg_iovlen = 1;
        header.msg_hdr.msg_control = (&raw mut self.controls[index]).cast();
        header.msg_hdr.msg_controllen = CONTROL_SIZE as _;
        header.msg_hdr.msg_flags = 0;
    }

    /// What the last call received, in the order of the slots.
    pub(in crate::io) fn received(&self) -> impl Iterator<Item = Received> {
        (0..self.filled).map(|index| self.message(index))
    }

    fn message(&self, index: usize) -> Received {
        let header = &self.headers[index];
        let mut message = Received {
            len: header.msg_len as usize,
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            remote: self.names[index].get(),
            segment_size: None,
            unix: None,
            overflow: None,
        };
        // SAFETY: `filled` covers `index`, so the kernel has written this header, whose control
        // pointer and length describe an element of `controls` that this object still owns.
        let mut control = unsafe { libc::CMSG_FIRSTHDR(&raw const header.msg_hdr) };
        while !control.is_null() {
            // SAFETY: the macros return either null or a pointer to a whole control header within
            // the control area.
            let (level, kind) = unsafe { ((*control).cmsg_level, (*control).cmsg_type) };
            // SAFETY: the kernel wrote this control message, and each kind has the type of data
            // that its documentation names; reading unaligned asks nothing of the address.
            unsafe {
                let data = libc::CMSG_DATA(control);
                match (level, kind) {
                    (libc::SOL_UDP, libc::UDP_GRO) => {
                        let size = ptr::read_unaligned(data.cast::<libc::c_int>());
                        message.segment_size = usize::try_from(size).ok().filter(|&n| n > 0);
                    }
                    (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                        let time = ptr::read_unaligned(data.cast::<libc::timespec>());
                        message.unix = Some(from_timespec(time));
                    }
                    (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                        message.overflow = Some(ptr::read_unaligned(data.cast::<u32>()));
                    }
                    _ => {}
                }
            }
            // SAFETY: `control` is a control message of this header, as above.
            control = unsafe { libc::CMSG_NXTHDR(&raw const header.msg_hdr, control) };
        }
        message
    }
}

/// How many messages one call takes at most.
const MAX_MESSAGES: usize = 64;

/// A segment size, a receive time and a drop count, each with its header.
// SAFETY: CMSG_SPACE only does arithmetic.
const CONTROL_SIZE: usize = unsafe {
    libc::CMSG_SPACE(c_size_of::<libc::c_int>())
        + libc::CMSG_SPACE(c_size_of::<libc::timespec>())
        + libc::CMSG_SPACE(c_size_of::<u32>())
} as usize;
