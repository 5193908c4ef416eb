//! The header extensions of a consumer's packets. What all packets have is written once, as a
//! template. Each packet gets a copy of it with its own time and number, and after that the
//! extensions that came with it from the publisher.

use crate::ids::Mid;
use crate::params::{HeaderExtensionUri as Uri, RtpHeaderExtensionParameters};

use super::buffer::stamp;
use super::ext::{AbsSendTime, TransportWideSequenceNumber};
use super::extension_ids::{STORED_PROFILE, SendExtensionIds};
use super::rtp::{EXTENSION_BIT, FIXED_HEADER_LEN};
use super::rtp_ext::{ExtensionForm, ExtensionWriter, Extensions};

/// What a consumer writes after the fixed header of each packet.
#[derive(Clone, Debug)]
pub(crate) struct SendExtensions {
    ids: SendExtensionIds,
    mid: Option<Mid>,
    template: Template,
}

/// What is known only when a packet leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamps {
    pub(crate) sent: AbsSendTime,
    pub(crate) number: TransportWideSequenceNumber,
}

impl SendExtensions {
    /// For a consumer with these extensions and this MID. The MID is written if its extension is
    /// negotiated.
    pub(crate) fn new(extensions: &[RtpHeaderExtensionParameters], mid: Option<Mid>) -> Self {
        let ids = SendExtensionIds::new(extensions);
        let form = if ids.needs_two_byte_form {
            ExtensionForm::TwoByte
        } else {
            ExtensionForm::OneByte
        };
        Self {
            template: Template::new(&ids, mid, form),
            ids,
            mid,
        }
    }

    /// Whether packets carry a transport-wide sequence number.
    pub(crate) fn are_numbered(&self) -> bool {
        self.ids.transport_wide_cc != 0
    }

    /// Writes the extensions after the fixed header of `packet`; `stored` are those that the packet
    /// came with, as ingress composed them. Returns the length of the whole header, and how many
    /// extensions the packet goes without because its form cannot hold them; `None` when the header
    /// does not fit.
    pub(crate) fn write(
        &self,
        stored: &[u8],
        stamps: Stamps,
        packet: &mut [u8],
    ) -> Option<(usize, u64)> {
        let (len, left_out) = self.write_as(&self.template, stored, stamps, packet)?;
        if !left_out.dependency_descriptor {
            return Some((len, left_out.others));
        }
        // RFC 8285 §4.1.2 wants one form in a stream, unless the recipient supports mixing. Whoever
        // negotiates dependency descriptors does, because those of key frames have no other form.
        let template = Template::new(&self.ids, self.mid, ExtensionForm::TwoByte);
        packet[0] &= !EXTENSION_BIT;
        let (len, left_out) = self.write_as(&template, stored, stamps, packet)?;
        Some((len, left_out.others))
    }

    fn write_as(
        &self,
        template: &Template,
        stored: &[u8],
        stamps: Stamps,
        packet: &mut [u8],
    ) -> Option<(usize, LeftOut)> {
        let mut left_out = LeftOut::default();
        let len = template.write(stamps, packet)?;
        if stored.is_empty() {
            return Some((len, left_out));
        }
        let elements = usize::from(template.elements_end);
        let mut writer = ExtensionWriter::resume(packet, FIXED_HEADER_LEN, elements, template.form);
        for extension in Extensions::new(STORED_PROFILE, stored) {
            let id = self.ids.of_router_id(extension.id);
            if id == 0 || writer.push(id, extension.value).is_some() {
                continue;
            }
            if extension.id == Uri::DependencyDescriptor.router_id() {
                left_out.dependency_descriptor = true;
            } else {
                left_out.others += 1;
            }
        }
        Some((writer.finish(), left_out))
    }
}

/// The extensions that every packet has, ready to be copied.
#[derive(Clone, Debug)]
struct Template {
    form: ExtensionForm,
    /// With its own header and padding.
    block: [u8; BLOCK],
    /// Where the elements end, without padding.
    elements_end: u8,
    /// Where the padding ends; 0 if there are no elements.
    end: u8,
    /// Where the value of abs-send-time lies, if it is negotiated.
    sent_at: Option<u8>,
    /// Where the transport-wide sequence number lies, if it is negotiated.
    number_at: Option<u8>,
}

impl Template {
    fn new(ids: &SendExtensionIds, mid: Option<Mid>, form: ExtensionForm) -> Self {
        let mut packet = [0; FIXED_HEADER_LEN + BLOCK];
        let mut writer = ExtensionWriter::new(&mut packet, FIXED_HEADER_LEN, form);
        let in_block = |at: usize| u8::try_from(at - FIXED_HEADER_LEN).ok();
        if let (Some(mid), true) = (&mid, ids.mid != 0) {
            writer.push(ids.mid, mid.as_bytes());
        }
        let sent_at = writer
            .push(ids.abs_send_time, &[0; AbsSendTime::LEN])
            .and_then(in_block);
        let number_at = writer
            .push(
                ids.transport_wide_cc,
                &[0; TransportWideSequenceNumber::LEN],
            )
            .and_then(in_block);
        let elements_end = in_block(writer.position()).unwrap_or_default();
        let end = in_block(writer.finish()).unwrap_or_default();
        let mut block = [0; BLOCK];
        block.copy_from_slice(&packet[FIXED_HEADER_LEN..]);
        Self {
            form,
            block,
            elements_end,
            end,
            sent_at,
            number_at,
        }
    }

    /// Writes a copy after the fixed header, and returns the length of the whole header.
    fn write(&self, stamps: Stamps, packet: &mut [u8]) -> Option<usize> {
        let (fixed, rest) = packet.split_first_chunk_mut::<FIXED_HEADER_LEN>()?;
        let block = rest.first_chunk_mut::<BLOCK>()?;
        *block = self.block;
        if let Some(at) = self.sent_at {
            stamp(block, at.into(), &stamps.sent.to_bytes())?;
        }
        if let Some(at) = self.number_at {
            stamp(block, at.into(), &stamps.number.to_bytes())?;
        }
        if self.end > 0 {
            fixed[0] |= EXTENSION_BIT;
        }
        Some(FIXED_HEADER_LEN + usize::from(self.end))
    }
}

/// What a packet goes without because of its form of header extensions.
#[derive(Default)]
struct LeftOut {
    dependency_descriptor: bool,
    others: u64,
}

/// The largest template: its header, and in the two-byte form a MID of 16 bytes, a time and a
/// number, with padding.
const BLOCK: usize = 4 + (2 + Mid::MAX_LEN) + (2 + AbsSendTime::LEN) + (2 + 2) + 1;
const _: () = assert!(BLOCK.is_multiple_of(4));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::extension_ids::tests::extension;
    use crate::wire::rtp::RtpPacket;

    /// Writes into a buffer that other packets have used, and returns the elements.
    fn written(extensions: &SendExtensions, stored: &[u8]) -> (usize, Vec<(u8, Vec<u8>)>) {
        let mut packet = [0xff; 400];
        packet[0] = 0x80;
        let stamps = Stamps {
            sent: AbsSendTime::parse(&[1, 2, 3]).unwrap(),
            number: TransportWideSequenceNumber(0x0405),
        };
        let (len, _) = extensions.write(stored, stamps, &mut packet).unwrap();
        let view = RtpPacket::new_checked(&packet[..len]).unwrap();
        assert_eq!((view.header_len(), view.csrc_count()), (len, 0));
        let elements = view.extensions().map(|one| (one.id, one.value.to_vec()));
        (len, elements.collect())
    }

    #[test]
    fn every_packet_has_the_template_with_its_own_stamps() {
        let all = [
            extension(Uri::Mid, 4),
            extension(Uri::AbsSendTime, 2),
            extension(Uri::TransportWideCc, 3),
            extension(Uri::SsrcAudioLevel, 1),
        ];
        let mid = Mid::new(&[b'm'; Mid::MAX_LEN]);
        let time = (2, vec![1, 2, 3]);
        let number = (3, vec![4, 5]);
        let name = (4, vec![b'm'; Mid::MAX_LEN]);
        let stored = [Uri::SsrcAudioLevel.router_id(), 1, 0x7f];
        let level = (1, vec![0x7f]);

        let extensions = SendExtensions::new(&all, mid);
        let own = vec![name.clone(), time.clone(), number.clone()];
        assert_eq!(written(&extensions, &[]), (12 + 28, own.clone()));
        let with_level = [own.clone(), vec![level.clone()]].concat();
        assert_eq!(written(&extensions, &stored), (12 + 32, with_level));
        // What was not negotiated with this consumer stays away.
        let extensions = SendExtensions::new(&all[..3], mid);
        assert_eq!(written(&extensions, &stored), (12 + 28, own));

        let extensions = SendExtensions::new(&all[1..3], mid);
        let unnamed = vec![time, number.clone()];
        assert_eq!(written(&extensions, &[]), (12 + 12, unnamed));
        let extensions = SendExtensions::new(&all[2..3], None);
        assert_eq!(written(&extensions, &[]), (12 + 8, vec![number]));
        assert!(extensions.are_numbered());

        let extensions = SendExtensions::new(&all[3..], mid);
        assert_eq!(written(&extensions, &[]), (12, vec![]));
        assert_eq!(written(&extensions, &stored), (12 + 8, vec![level]));
        assert!(!extensions.are_numbered());
    }

    #[test]
    fn the_largest_template_fits_its_block_in_the_two_byte_form() {
        let all = [
            extension(Uri::Mid, 200),
            extension(Uri::AbsSendTime, 201),
            extension(Uri::TransportWideCc, 202),
        ];
        let extensions = SendExtensions::new(&all, Mid::new(&[b'm'; Mid::MAX_LEN]));
        let expected = vec![
            (200, vec![b'm'; Mid::MAX_LEN]),
            (201, vec![1, 2, 3]),
            (202, vec![4, 5]),
        ];
        assert_eq!(written(&extensions, &[]), (12 + BLOCK, expected));
    }
}
