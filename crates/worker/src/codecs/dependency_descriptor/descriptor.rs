//! The descriptor itself: what each packet carries.

use crate::wire::buffer::Reader;

use super::bit_reader::BitReader;
use super::structure::{
    ChainDiffs, DecodeTargetIndications, FrameDiffs, Layers, Resolution, TemplateStructure,
};

/// The fields that every descriptor begins with, which can be read without templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameMark {
    /// First packet of the frame.
    pub frame_start: bool,
    /// Last packet of the frame.
    pub frame_end: bool,
    /// Which template the frame follows, 0–63.
    pub template_id: u8,
    /// Counts the frames of the stream; wraps.
    pub frame_number: u16,
    /// Whether the descriptor brings a template structure, as those of key frames do.
    pub has_structure: bool,
}

impl FrameMark {
    /// Reads the front of a descriptor; `None` when it has fewer than three bytes.
    #[must_use]
    pub(crate) fn read(descriptor: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(descriptor);
        let first = reader.u8()?;
        Some(Self {
            frame_start: first & 0x80 != 0,
            frame_end: first & 0x40 != 0,
            template_id: first & 0x3f,
            frame_number: reader.u16()?,
            has_structure: reader.u8().is_some_and(|flags| flags & 0x80 != 0),
        })
    }
}

/// A descriptor with what its template says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DependencyDescriptor {
    /// The fields that need no template.
    pub mark: FrameMark,
    /// The layers of the frame.
    pub layers: Layers,
    /// What the frame is to each decode target.
    pub indications: DecodeTargetIndications,
    /// Which frames it refers to.
    pub frame_diffs: FrameDiffs,
    /// For each chain, how many frames ago its last frame was.
    pub chain_diffs: ChainDiffs,
    /// Size of the frame, when the structure tells it.
    pub resolution: Option<Resolution>,
    /// A bit for each decode target that is sent from here on; `None` when that has not changed.
    pub active_decode_targets: Option<u32>,
    /// The structure that the descriptor brings, for the caller to keep until the next.
    pub structure: Option<TemplateStructure>,
}

/// Why a descriptor cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub(crate) enum DependencyDescriptorError {
    /// It ends before its fields do.
    #[error("dependency descriptor is too short")]
    TooShort,
    /// It has more than 64 templates.
    #[error("dependency descriptor has more than 64 templates")]
    TooManyTemplates,
    /// It has more than four spatial or eight temporal layers.
    #[error("dependency descriptor has too many layers")]
    TooManyLayers,
    /// A frame refers to more than eight others.
    #[error("dependency descriptor has too many frame references")]
    TooManyFrameDiffs,
    /// It names a template, and there has been no structure.
    #[error("dependency descriptor needs a template structure that has not come")]
    NoStructure,
    /// It names a template that the structure does not have.
    #[error("dependency descriptor names template {id}, which the structure does not have")]
    UnknownTemplate {
        /// The template's id.
        id: u8,
    },
}

impl DependencyDescriptor {
    /// Reads the value of the header extension. `known` is the last structure of this stream; a
    /// structure that the descriptor brings takes its place.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the descriptor, or that it needs another structure than `known`.
    pub(crate) fn parse(
        value: &[u8],
        known: Option<&TemplateStructure>,
    ) -> Result<Self, DependencyDescriptorError> {
        let mark = FrameMark::read(value).ok_or(DependencyDescriptorError::TooShort)?;
        let mut reader = BitReader::new(value.get(MANDATORY_LEN..).unwrap_or_default());
        let flags = if value.len() > MANDATORY_LEN {
            Flags::read(&mut reader).ok_or(DependencyDescriptorError::TooShort)?
        } else {
            Flags::default()
        };
        let brought = if flags.structure {
            Some(TemplateStructure::read(&mut reader)?)
        } else {
            None
        };
        let structure = brought
            .as_ref()
            .or(known)
            .ok_or(DependencyDescriptorError::NoStructure)?;
        let active_decode_targets = if flags.active_decode_targets {
            let bits = reader.bits(structure.decode_target_count.into());
            Some(bits.ok_or(DependencyDescriptorError::TooShort)?)
        } else {
            // extended_descriptor_fields(): a new structure begins with all decode targets active.
            brought.as_ref().map(TemplateStructure::all_decode_targets)
        };
        let frame = FrameDefinition::read(&mut reader, &flags, mark.template_id, structure)?;
        Ok(Self {
            mark,
            layers: frame.layers,
            indications: frame.indications,
            frame_diffs: frame.frame_diffs,
            chain_diffs: frame.chain_diffs,
            resolution: structure.resolution(frame.layers.spatial),
            active_decode_targets,
            structure: brought,
        })
    }
}

/// extended_descriptor_fields(): which optional parts a descriptor has.
#[derive(Clone, Copy, Default)]
struct Flags {
    structure: bool,
    active_decode_targets: bool,
    custom_indications: bool,
    custom_frame_diffs: bool,
    custom_chain_diffs: bool,
}

impl Flags {
    fn read(reader: &mut BitReader<'_>) -> Option<Self> {
        Some(Self {
            structure: reader.flag()?,
            active_decode_targets: reader.flag()?,
            custom_indications: reader.flag()?,
            custom_frame_diffs: reader.flag()?,
            custom_chain_diffs: reader.flag()?,
        })
    }
}

/// frame_dependency_definition(): the frame's template, and the frame's own values where it
/// replaces those of the template.
struct FrameDefinition {
    layers: Layers,
    indications: DecodeTargetIndications,
    frame_diffs: FrameDiffs,
    chain_diffs: ChainDiffs,
}

impl FrameDefinition {
    fn read(
        reader: &mut BitReader<'_>,
        flags: &Flags,
        template_id: u8,
        structure: &TemplateStructure,
    ) -> Result<Self, DependencyDescriptorError> {
        let template = structure
            .template(template_id)
            .ok_or(DependencyDescriptorError::UnknownTemplate { id: template_id })?;
        let indications = if flags.custom_indications {
            DecodeTargetIndications::read(reader, structure.decode_target_count)
                .ok_or(DependencyDescriptorError::TooShort)?
        } else {
            template.indications
        };
        let frame_diffs = if flags.custom_frame_diffs {
            FrameDiffs::read_of_frame(reader)?
        } else {
            template.frame_diffs
        };
        let chain_diffs = if flags.custom_chain_diffs {
            ChainDiffs::read(reader, structure.chain_count, 8)
                .ok_or(DependencyDescriptorError::TooShort)?
        } else {
            template.chain_diffs
        };
        Ok(Self {
            layers: template.layers,
            indications,
            frame_diffs,
            chain_diffs,
        })
    }
}

/// Length of the fields that every descriptor has, in bytes.
const MANDATORY_LEN: usize = 3;
