//! Descriptors of a real AV1 stream, and descriptors at the limits.

use super::descriptor::DependencyDescriptorError;
use super::structure::{DecodeTargetIndication, Layers, Resolution};
use super::*;

/// The first descriptor of an AV1 stream with three spatial and three temporal layers, as Chromium
/// sends it.
const L3T3: &str = "c1017280081485214eafffaaaa863cf0430c10c302afc0aaa0063c00430010c002a000a8000600\
                    0040001d954926e082b04a0941b820ac1282503157f974000ca864330e222222eca865530422423\
                    0eca877530077004200ef008601df010d";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[2 * index..][..2], 16).unwrap())
        .collect()
}

fn l3t3() -> TemplateStructure {
    let first = DependencyDescriptor::parse(&bytes(L3T3), None).unwrap();
    first.structure.unwrap()
}

#[test]
fn the_key_frame_of_a_real_stream_brings_its_structure() {
    let first = DependencyDescriptor::parse(&bytes(L3T3), None).unwrap();
    assert_eq!(
        first.mark,
        FrameMark {
            frame_start: true,
            frame_end: true,
            template_id: 1,
            frame_number: 0x172,
            has_structure: true
        }
    );
    assert_eq!(first.layers, Layers::default());
    assert_eq!(first.active_decode_targets, Some(0x1ff));
    assert_eq!(
        first.resolution,
        Some(Resolution {
            width: 120,
            height: 67
        })
    );
    assert!(first.frame_diffs.as_slice().is_empty());

    let structure = first.structure.unwrap();
    assert_eq!(structure.decode_target_count, 9);
    assert_eq!(structure.chain_count, 3);
    let top = Layers {
        spatial: 2,
        temporal: 2,
    };
    assert_eq!(structure.max_layers(), top);
    for target in 0..9 {
        let layers = Layers {
            spatial: target / 3,
            temporal: target % 3,
        };
        let index = usize::from(target);
        assert_eq!(structure.decode_target_layers(index), Some(layers));
        assert_eq!(structure.decode_target_of(layers), Some(index));
        assert_eq!(structure.chain_of(index), Some(target / 3));
    }
    assert_eq!(structure.decode_target_layers(9), None);
    assert_eq!(structure.chain_of(9), None);
    let sizes: Vec<_> = (0..4)
        .map(|layer| structure.resolution(layer).map(|r| (r.width, r.height)))
        .collect();
    assert_eq!(
        sizes,
        [Some((120, 67)), Some((240, 135)), Some((480, 270)), None]
    );
}

#[test]
fn the_frames_that_follow_name_its_templates() {
    let structure = l3t3();
    let follow = |hex| DependencyDescriptor::parse(&bytes(hex), Some(&structure)).unwrap();
    // The other two layers of the key picture, in two packets and one.
    for (hex, template_id, frame_number, start, end, spatial) in [
        ("86017340fc", 6, 0x173, true, false, 1),
        ("46017340fc", 6, 0x173, false, true, 1),
        ("860173", 6, 0x173, true, false, 1),
        ("8b0174", 11, 0x174, true, false, 2),
        ("0b0174", 11, 0x174, false, false, 2),
    ] {
        let frame = follow(hex);
        assert_eq!(frame.mark.template_id, template_id, "{hex}");
        assert_eq!(frame.mark.frame_number, frame_number, "{hex}");
        assert_eq!((frame.mark.frame_start, frame.mark.frame_end), (start, end));
        assert_eq!(frame.layers.spatial, spatial, "{hex}");
        assert_eq!(frame.layers.temporal, 0, "{hex}");
        assert_eq!(frame.frame_diffs.as_slice(), [1], "{hex}: the layer below");
        assert_eq!(frame.chain_diffs.as_slice().len(), 3);
        assert_eq!(frame.structure, None);
    }
    // The encoder goes down to the two lower spatial layers: targets 0 to 5.
    assert_eq!(
        follow("86017340fc").active_decode_targets,
        Some(0b0_0011_1111)
    );
    assert_eq!(follow("860173").active_decode_targets, None);
    let higher = follow("c3017540fc");
    assert_eq!(
        higher.layers,
        Layers {
            spatial: 0,
            temporal: 2
        }
    );
    assert!(higher.indications.get(2) != DecodeTargetIndication::NotPresent);
    assert_eq!(
        higher.indications.get(0),
        DecodeTargetIndication::NotPresent
    );
}

#[test]
fn a_descriptor_needs_its_structure() {
    let without = DependencyDescriptor::parse(&bytes("860173"), None);
    assert_eq!(without, Err(DependencyDescriptorError::NoStructure));
    let unknown = DependencyDescriptor::parse(&bytes("bf0173"), Some(&l3t3()));
    assert_eq!(
        unknown,
        Err(DependencyDescriptorError::UnknownTemplate { id: 63 })
    );
    let first = bytes(L3T3);
    for len in 0..first.len() - 1 {
        let cut = DependencyDescriptor::parse(&first[..len], None);
        assert!(cut.is_err(), "{len} bytes");
    }
}

/// Bits, the most significant first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(mut self, width: u32, value: u32) -> Self {
        self.0
            .extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.0
            .chunks(8)
            .map(|bits| {
                (0..8).fold(0, |byte, bit| {
                    byte << 1 | u8::from(bits.get(bit).copied().unwrap_or(false))
                })
            })
            .collect()
    }
}

/// A descriptor of one spatial and two temporal layers with ids that wrap: template 63 is the lower
/// layer, template 0 the upper.
fn l1t2() -> Bits {
    Bits::default()
        .put(8, 0x80 | 63)
        .put(16, 7)
        .put(5, 0b10000) // a structure, no more
        .put(6, 63) // template id offset
        .put(5, 1) // two decode targets
        .put(2, 1) // the next template is a temporal layer up
        .put(2, 3) // and is the last
        .put(4, 0b1010) // switch, switch
        .put(4, 0b0001) // not present, discardable
        .put(1, 0) // no reference
        .put(1, 1)
        .put(4, 0) // one frame back
        .put(1, 0)
        .put(2, 2) // one chain: ns(3) of 1 is 10
        .put(4, 0) // chain differences
        .put(4, 1)
        .put(1, 0) // no resolutions
}

#[test]
fn template_ids_wrap_and_a_frame_may_differ_from_its_template() {
    let first = DependencyDescriptor::parse(&l1t2().bytes(), None).unwrap();
    let structure = first.structure.unwrap();
    assert_eq!(structure.templates().len(), 2);
    assert_eq!(structure.chain_count, 1);
    assert_eq!(first.active_decode_targets, Some(0b11));
    assert_eq!(first.resolution, None);

    let upper = DependencyDescriptor::parse(&[0xc0, 0, 8], Some(&structure)).unwrap();
    assert_eq!(upper.layers.temporal, 1);
    assert_eq!(upper.frame_diffs.as_slice(), [1]);
    assert_eq!(upper.chain_diffs.as_slice(), [1]);
    assert_eq!(
        upper.indications.get(1),
        DecodeTargetIndication::Discardable
    );
    assert_eq!(
        upper.indications.get(32),
        DecodeTargetIndication::NotPresent
    );

    let custom = Bits::default()
        .put(8, 0xc0)
        .put(16, 9)
        .put(5, 0b01111)
        .put(2, 0b01) // active decode targets
        .put(4, 0b1111) // indications: required, required
        .put(2, 3)
        .put(12, 0xfff) // 4,096 frames back
        .put(2, 1)
        .put(4, 2) // three frames back
        .put(2, 0)
        .put(8, 200) // chain difference
        .bytes();
    let custom = DependencyDescriptor::parse(&custom, Some(&structure)).unwrap();
    assert_eq!(custom.active_decode_targets, Some(1));
    assert_eq!(custom.indications.get(0), DecodeTargetIndication::Required);
    assert_eq!(custom.frame_diffs.as_slice(), [4096, 3]);
    assert_eq!(custom.chain_diffs.as_slice(), [200]);
}

#[test]
fn every_table_has_a_cap() {
    let head = || {
        Bits::default()
            .put(24, 0x80_0001)
            .put(5, 0b10000)
            .put(6, 0)
            .put(5, 0)
    };
    let parse = |bits: Bits| DependencyDescriptor::parse(&bits.bytes(), None).unwrap_err();

    let same_layer = (0..100).fold(head(), |bits, _| bits.put(2, 0));
    assert_eq!(
        parse(same_layer),
        DependencyDescriptorError::TooManyTemplates
    );
    let temporal = (0..8).fold(head(), |bits, _| bits.put(2, 1));
    assert_eq!(parse(temporal), DependencyDescriptorError::TooManyLayers);
    let spatial = (0..4).fold(head(), |bits, _| bits.put(2, 2));
    assert_eq!(parse(spatial), DependencyDescriptorError::TooManyLayers);
    let one_template = head().put(2, 3).put(2, 0);
    let references = (0..9).fold(one_template, |bits, _| bits.put(5, 0b1_0000));
    assert_eq!(
        parse(references),
        DependencyDescriptorError::TooManyFrameDiffs
    );
}
