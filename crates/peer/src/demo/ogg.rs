//! Reading the Opus packets of an Ogg file.

use super::MediaError;

/// The packets of the one logical stream of an Ogg file (RFC 3533 §6), header packets included.
///
/// Page checksums are not checked, because the files are part of the program.
pub(super) fn read_packets(mut file: &[u8]) -> Result<Vec<Vec<u8>>, MediaError> {
    let mut packets = Vec::new();
    let mut packet = Vec::new();
    while !file.is_empty() {
        let (head, after) = file
            .split_first_chunk::<PAGE_HEADER>()
            .ok_or(MediaError::Ogg("page header"))?;
        if head[..4] != *b"OggS" {
            return Err(MediaError::Ogg("capture pattern"));
        }
        let segments = usize::from(head[26]);
        let (table, mut body) = after
            .split_at_checked(segments)
            .ok_or(MediaError::Ogg("segment table"))?;
        for &lacing in table {
            let (segment, rest) = body
                .split_at_checked(usize::from(lacing))
                .ok_or(MediaError::Ogg("segment"))?;
            packet.extend_from_slice(segment);
            body = rest;
            // "A lacing value of 255 implies that a second lacing value follows in the packet, and
            // a value of less than 255 marks the end of the packet" (RFC 3533 §5); a packet may go
            // on in the next page.
            if lacing < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        file = body;
    }
    if packet.is_empty() {
        Ok(packets)
    } else {
        Err(MediaError::Ogg("last packet"))
    }
}

/// The Opus packets of an Ogg file, without identification and comment headers (RFC 7845 §5).
pub(super) fn read_opus(file: &[u8]) -> Result<Vec<Vec<u8>>, MediaError> {
    let mut packets = read_packets(file)?.into_iter();
    let is_opus = packets
        .next()
        .is_some_and(|head| head.starts_with(b"OpusHead"));
    let has_tags = packets
        .next()
        .is_some_and(|tags| tags.starts_with(b"OpusTags"));
    if is_opus && has_tags {
        Ok(packets.collect())
    } else {
        Err(MediaError::Ogg("Opus headers"))
    }
}

const PAGE_HEADER: usize = 27;

#[cfg(test)]
mod tests {
    use super::*;

    fn page(table: &[u8], body: &[u8]) -> Vec<u8> {
        let mut page = b"OggS".to_vec();
        page.resize(26, 0);
        page.push(u8::try_from(table.len()).unwrap());
        [&page[..], table, body].concat()
    }

    #[test]
    fn packets_span_segments_and_pages() {
        let long = vec![7; 300];
        let file = [
            page(&[8, 0, 255], &[b"OpusHead", &long[..255]].concat()),
            page(&[45, 3], &[&long[255..], &[1, 2, 3]].concat()),
        ]
        .concat();
        let packets = read_packets(&file).unwrap();
        assert_eq!(packets, [b"OpusHead".to_vec(), vec![], long, vec![1, 2, 3]]);
        assert_eq!(read_opus(&file), Err(MediaError::Ogg("Opus headers")));
    }

    #[test]
    fn damage_names_the_field() {
        let file = page(&[255], &[0; 255]);
        assert_eq!(read_packets(&file), Err(MediaError::Ogg("last packet")));
        assert_eq!(read_packets(&file[..100]), Err(MediaError::Ogg("segment")));
        assert_eq!(
            read_packets(&file[..27]),
            Err(MediaError::Ogg("segment table"))
        );
        assert_eq!(
            read_packets(&file[..20]),
            Err(MediaError::Ogg("page header"))
        );
        assert_eq!(
            read_packets(&[0; 27]),
            Err(MediaError::Ogg("capture pattern"))
        );
    }

    #[test]
    fn headers_are_not_packets_of_the_tone() {
        let file = page(&[8, 8, 2], b"OpusHeadOpusTags\x01\x02");
        assert_eq!(read_opus(&file).unwrap(), [[1, 2]]);
    }
}
