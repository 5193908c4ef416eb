//! RTP header extensions in the general form (RFC 8285): iterating over the elements of a received
//! one, and writing one. Values can be stamped into a written one later.

use super::buffer::{Reader, padding_to_word, stamp};
use super::rtp::EXTENSION_BIT;

/// The form of the elements, from the first 16 bits of a header extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtensionProfile {
    /// 0xBEDE: elements with ids 1–14 and values of 1–16 bytes (RFC 8285 §4.2).
    OneByte,
    /// 0x1000–0x100F: elements with ids 1–255 and values of 0–255 bytes (RFC 8285 §4.3).
    TwoByte,
    /// Not of the general form; holds no elements.
    Other(u16),
}

/// The elements of a received header extension, in packet order. Iteration just ends at the first
/// element that reaches past the extension.
#[derive(Clone, Copy, Debug)]
pub struct Extensions<'a> {
    profile: Option<ExtensionProfile>,
    rest: Reader<'a>,
}

/// One element of a header extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// The negotiated id, 1–255.
    pub id: u8,
    /// Its value, 0–255 bytes.
    pub value: &'a [u8],
}

impl<'a> Extensions<'a> {
    /// The elements in `data`, which is a header extension without its first four bytes; `profile`
    /// is its first 16 bits.
    #[must_use]
    pub const fn new(profile: u16, data: &'a [u8]) -> Self {
        let profile = match profile {
            ONE_BYTE_PROFILE => ExtensionProfile::OneByte,
            // The lower four bits are for the application (RFC 8285 §4.3).
            0x1000..=0x100f => ExtensionProfile::TwoByte,
            other => ExtensionProfile::Other(other),
        };
        Self {
            profile: Some(profile),
            rest: Reader::new(data),
        }
    }

    pub(super) const fn none() -> Self {
        Self {
            profile: None,
            rest: Reader::new(&[]),
        }
    }

    /// The extension's form; `None` when the packet has no header extension.
    #[must_use]
    pub const fn profile(&self) -> Option<ExtensionProfile> {
        self.profile
    }

    /// The value of the first element with this id.
    #[must_use]
    pub fn find(mut self, id: u8) -> Option<&'a [u8]> {
        self.find_map(|element| (element.id == id).then_some(element.value))
    }

    fn next_one_byte(&mut self) -> Option<Extension<'a>> {
        loop {
            let head = self.rest.u8()?;
            let (id, len) = (head >> 4, usize::from(head & 0x0f) + 1);
            match (id, head) {
                (_, 0) => {}
                // An id of 0 is padding and has no length, and of 15 RFC 8285 §4.2 says: "its
                // length field MUST be ignored, processing of the entire extension MUST terminate
                // at that point".
                (0 | 15, _) => return None,
                _ => {
                    let value = self.rest.bytes(len)?;
                    return Some(Extension { id, value });
                }
            }
        }
    }

    fn next_two_byte(&mut self) -> Option<Extension<'a>> {
        loop {
            let id = self.rest.u8()?;
            if id != 0 {
                let len = self.rest.u8()?;
                let value = self.rest.bytes(usize::from(len))?;
                return Some(Extension { id, value });
            }
        }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match self.profile? {
            ExtensionProfile::OneByte => self.next_one_byte(),
            ExtensionProfile::TwoByte => self.next_two_byte(),
            ExtensionProfile::Other(_) => None,
        };
        if next.is_none() {
            self.rest = Reader::new(&[]);
        }
        next
    }
}

/// The two forms a header extension is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExtensionForm {
    /// Ids 1–14, values of 1–16 bytes.
    OneByte,
    /// Ids 1–255, values of 0–255 bytes.
    TwoByte,
}

impl ExtensionForm {
    /// The smaller form that can hold elements with these ids and value lengths.
    #[must_use]
    pub(crate) fn fitting(elements: impl IntoIterator<Item = (u8, usize)>) -> Self {
        let fit_one_byte = elements
            .into_iter()
            .all(|(id, len)| id <= MAX_ONE_BYTE_ID && (1..=MAX_ONE_BYTE_LEN).contains(&len));
        if fit_one_byte {
            Self::OneByte
        } else {
            Self::TwoByte
        }
    }
}

/// Writes a header extension after the fixed header and CSRCs of a packet.
///
/// [`ExtensionWriter::push`] returns where in the packet a value lies. Values that are known only
/// when the packet leaves (abs-send-time, the transport-wide sequence number) are stamped there by
/// [`super::buffer::stamp`]. If the writer is dropped without [`ExtensionWriter::finish`], the
/// packet has no extension.
#[derive(Debug)]
pub(crate) struct ExtensionWriter<'a> {
    packet: &'a mut [u8],
    form: ExtensionForm,
    start: usize,
    at: usize,
}

impl<'a> ExtensionWriter<'a> {
    /// A writer into `packet`, whose header so far is `header_len` bytes long.
    #[must_use]
    pub(crate) const fn new(packet: &'a mut [u8], header_len: usize, form: ExtensionForm) -> Self {
        Self {
            packet,
            form,
            start: header_len,
            at: header_len.saturating_add(EXTENSION_HEADER_LEN),
        }
    }

    /// A writer that goes on where another one was, with its elements in the packet: from `len` bytes
    /// after the header.
    #[must_use]
    pub(crate) const fn resume(
        packet: &'a mut [u8],
        header_len: usize,
        len: usize,
        form: ExtensionForm,
    ) -> Self {
        Self {
            packet,
            form,
            start: header_len,
            at: header_len.saturating_add(len),
        }
    }

    /// Where the next element goes.
    #[must_use]
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// Appends an element and returns the position of its value in the packet. If the packet is
    /// full or the form cannot hold this id or length, nothing changes and the answer is `None`.
    pub(crate) fn push(&mut self, id: u8, value: &[u8]) -> Option<usize> {
        let len = u8::try_from(value.len()).ok()?;
        let value_at = match self.form {
            ExtensionForm::OneByte => {
                if id == 0 || id > MAX_ONE_BYTE_ID || len == 0 || value.len() > MAX_ONE_BYTE_LEN {
                    return None;
                }
                self.at.checked_add(1)?
            }
            ExtensionForm::TwoByte if id == 0 => return None,
            ExtensionForm::TwoByte => self.at.checked_add(2)?,
        };
        let end = value_at.checked_add(value.len())?;
        // The element and the padding after it must fit, so that `finish` cannot fail.
        if end + padding_to_word(end - self.start) > self.packet.len() {
            return None;
        }
        match self.form {
            ExtensionForm::OneByte => stamp(self.packet, self.at, &[id << 4 | (len - 1)])?,
            ExtensionForm::TwoByte => stamp(self.packet, self.at, &[id, len])?,
        }
        stamp(self.packet, value_at, value)?;
        self.at = end;
        Some(value_at)
    }

    /// Pads to 32 bits, writes the extension's own header and sets the packet's X bit; returns the
    /// new length of the packet's header. Without an element nothing is written and the header
    /// keeps its length.
    #[must_use]
    pub(crate) fn finish(self) -> usize {
        let elements_at = self.start.saturating_add(EXTENSION_HEADER_LEN);
        let end = self
            .at
            .saturating_add(padding_to_word(self.at - self.start));
        let words = u16::try_from(end.saturating_sub(elements_at) / 4).unwrap_or(u16::MAX);
        let (Some(padding), true) = (self.packet.get_mut(self.at..end), self.at > elements_at)
        else {
            return self.start;
        };
        padding.fill(0);
        let profile = match self.form {
            ExtensionForm::OneByte => ONE_BYTE_PROFILE,
            ExtensionForm::TwoByte => TWO_BYTE_PROFILE,
        };
        self.packet[self.start..][..2].copy_from_slice(&profile.to_be_bytes());
        self.packet[self.start + 2..][..2].copy_from_slice(&words.to_be_bytes());
        self.packet[0] |= EXTENSION_BIT;
        end
    }
}

const ONE_BYTE_PROFILE: u16 = 0xbede;
const TWO_BYTE_PROFILE: u16 = 0x1000;
const EXTENSION_HEADER_LEN: usize = 4;
const MAX_ONE_BYTE_ID: u8 = 14;
const MAX_ONE_BYTE_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PayloadType, Ssrc};
    use crate::wire::rtp::{RtpHeader, RtpPacket};

    fn elements(profile: u16, data: &[u8]) -> Vec<(u8, Vec<u8>)> {
        Extensions::new(profile, data)
            .map(|element| (element.id, element.value.to_vec()))
            .collect()
    }

    fn written(form: ExtensionForm, elements: &[(u8, &[u8])]) -> (Vec<u8>, Vec<usize>) {
        let mut packet = vec![0xff; 200];
        let header = RtpHeader {
            marker: false,
            payload_type: PayloadType(100),
            sequence_number: 1,
            timestamp: 2,
            ssrc: Ssrc(3),
        };
        let header_len = header.write(&mut packet).unwrap();
        let mut writer = ExtensionWriter::new(&mut packet, header_len, form);
        let positions = elements
            .iter()
            .map(|(id, value)| writer.push(*id, value).unwrap())
            .collect();
        let len = writer.finish();
        packet.truncate(len);
        (packet, positions)
    }

    #[test]
    fn the_one_byte_form_skips_padding_and_stops_at_15() {
        // The layout of the example in RFC 8285 §4.2, then id 15.
        let data = [
            0x10, 0xaa, 0x21, 0xbb, 0xbb, 0x00, 0x00, 0x33, 0xcc, 0xcc, 0xcc, 0xcc, 0xf0, 0x00,
            0x10, 0xdd,
        ];
        assert_eq!(
            elements(0xbede, &data),
            [(1, vec![0xaa]), (2, vec![0xbb; 2]), (3, vec![0xcc; 4])]
        );
        assert_eq!(elements(0xbede, &[0x01, 9, 0x10, 1]), []);
    }

    #[test]
    fn the_two_byte_form_may_be_empty_or_long_and_any_application_bits_do() {
        let data = [1, 0, 0, 0, 15, 2, 7, 8, 200, 1, 9, 0];
        for profile in [0x1000, 0x100f] {
            assert_eq!(
                elements(profile, &data),
                [(1, vec![]), (15, vec![7, 8]), (200, vec![9])]
            );
        }
        assert_eq!(elements(0x1010, &data), []);
    }

    #[test]
    fn an_element_past_the_end_ends_the_iteration_for_good() {
        let mut iter = Extensions::new(0xbede, &[0x10, 1, 0x27, 1, 2, 3]);
        assert_eq!(iter.next().map(|element| element.id), Some(1));
        assert_eq!(iter.next(), None);
        assert_eq!(iter.next(), None);
        assert_eq!(elements(0x1000, &[1, 5, 0, 0]), []);
        assert_eq!(elements(0x1000, &[1]), []);
    }

    #[test]
    fn both_forms_read_back_at_the_positions_told() {
        for (form, values) in [
            (
                ExtensionForm::OneByte,
                &[(1, &b"mid"[..]), (14, &[5; 16]), (4, &[0; 3])][..],
            ),
            (
                ExtensionForm::TwoByte,
                &[(1, &b""[..]), (255, &[5; 17]), (4, &[0; 3])][..],
            ),
        ] {
            let (mut packet, positions) = written(form, values);
            assert_eq!(packet.len() % 4, 0);
            let view = RtpPacket::new_checked(&packet).unwrap();
            assert_eq!(view.header_len(), packet.len());
            let read: Vec<_> = view.extensions().map(|e| (e.id, e.value)).collect();
            assert_eq!(read, values);

            stamp(&mut packet, positions[2], &[1, 2, 3]).unwrap();
            let view = RtpPacket::new_checked(&packet).unwrap();
            assert_eq!(view.extension(4), Some(&[1, 2, 3][..]));
        }
    }

    #[test]
    fn no_element_means_no_extension() {
        let (packet, _) = written(ExtensionForm::OneByte, &[]);
        assert_eq!(packet.len(), 12);
        assert_eq!(packet[0], 0x80);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_was_there_stays_whole() {
        let mut packet = [0; 12 + 4 + 4];
        let mut writer = ExtensionWriter::new(&mut packet, 12, ExtensionForm::OneByte);
        assert_eq!(writer.push(15, b"a"), None);
        assert_eq!(writer.push(0, b"a"), None);
        assert_eq!(writer.push(1, b""), None);
        assert_eq!(writer.push(1, &[0; 17]), None);
        assert_eq!(writer.push(1, b"ab"), Some(17));
        assert_eq!(writer.push(2, b"c"), None);
        assert_eq!(writer.finish(), 20);
        assert_eq!(packet[12..], [0xbe, 0xde, 0, 1, 0x11, b'a', b'b', 0]);

        let mut short = [0; 13];
        let mut writer = ExtensionWriter::new(&mut short, 12, ExtensionForm::TwoByte);
        assert_eq!(writer.push(1, b""), None);
        assert_eq!(writer.finish(), 12);
        assert_eq!(short, [0; 13]);
    }

    #[test]
    fn the_form_is_the_smallest_that_holds_all() {
        let form = |elements: &[(u8, usize)]| ExtensionForm::fitting(elements.iter().copied());
        assert_eq!(form(&[(1, 1), (14, 16)]), ExtensionForm::OneByte);
        assert_eq!(form(&[(1, 17)]), ExtensionForm::TwoByte);
        assert_eq!(form(&[(15, 1)]), ExtensionForm::TwoByte);
        assert_eq!(form(&[(1, 0)]), ExtensionForm::TwoByte);
    }
}
