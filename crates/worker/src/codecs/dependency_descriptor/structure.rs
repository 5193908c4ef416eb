//! The template dependency structure: what a key frame says about all frames that follow.

use super::bit_reader::BitReader;
use super::descriptor::DependencyDescriptorError as Error;

/// The templates of a stream, from the descriptor of its last key frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateStructure {
    /// The id of the first template.
    pub template_id_offset: u8,
    /// How many decode targets there are, 1–32.
    pub decode_target_count: u8,
    /// How many chains protect decode targets, 0–32.
    pub chain_count: u8,
    templates: Vec<Template>,
    protected_by: [u8; MAX_DECODE_TARGETS],
    decode_target_layers: [Layers; MAX_DECODE_TARGETS],
    resolutions: Option<[Resolution; MAX_SPATIAL_LAYERS]>,
    max: Layers,
}

/// What frames of one kind have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Template {
    /// The layers of the frame.
    pub layers: Layers,
    /// What the frame is to each decode target.
    pub indications: DecodeTargetIndications,
    /// Which frames it refers to.
    pub frame_diffs: FrameDiffs,
    /// For each chain, how many frames ago its last frame was.
    pub chain_diffs: ChainDiffs,
}

/// A spatial and a temporal layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Layers {
    /// The spatial layer, 0–3.
    pub spatial: u8,
    /// The temporal layer, 0–7.
    pub temporal: u8,
}

/// What a frame is to a decode target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum DecodeTargetIndication {
    /// Not part of it.
    NotPresent,
    /// No later frame of it refers to this one.
    Discardable,
    /// Its frames can be decoded from here on without earlier ones.
    Switch,
    /// Part of it.
    Required,
}

/// What a frame means to each of up to 32 decode targets: two bits each, the first in the lowest
/// bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct DecodeTargetIndications(u64);

/// How many frames ago the frames were that a frame refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct FrameDiffs {
    diffs: [u16; MAX_FRAME_DIFFS],
    len: u8,
}

/// How many frames ago the last frame of each chain was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct ChainDiffs {
    diffs: [u8; MAX_DECODE_TARGETS],
    len: u8,
}

/// Size of a spatial layer's pictures, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Resolution {
    /// 1–65,536.
    pub width: u32,
    /// 1–65,536.
    pub height: u32,
}

impl TemplateStructure {
    pub(super) fn read(reader: &mut BitReader<'_>) -> Result<Self, Error> {
        let template_id_offset = reader.small(6).ok_or(Error::TooShort)?;
        let decode_target_count = reader.small(5).ok_or(Error::TooShort)? + 1;
        let mut this = Self {
            template_id_offset,
            decode_target_count,
            chain_count: 0,
            templates: read_layers(reader)?,
            protected_by: [0; MAX_DECODE_TARGETS],
            decode_target_layers: [Layers::default(); MAX_DECODE_TARGETS],
            resolutions: None,
            max: Layers::default(),
        };
        for template in &mut this.templates {
            template.indications = DecodeTargetIndications::read(reader, decode_target_count)
                .ok_or(Error::TooShort)?;
        }
        for template in &mut this.templates {
            template.frame_diffs = FrameDiffs::read_of_template(reader)?;
        }
        this.read_chains(reader).ok_or(Error::TooShort)?;
        this.derive_decode_target_layers();
        this.read_resolutions(reader).ok_or(Error::TooShort)?;
        Ok(this)
    }

    fn read_chains(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        let count = reader.below(u32::from(self.decode_target_count) + 1)?;
        if count == 0 {
            return Some(());
        }
        self.chain_count = u8::try_from(count).ok()?;
        let targets = usize::from(self.decode_target_count);
        for protected_by in self.protected_by.iter_mut().take(targets) {
            *protected_by = u8::try_from(reader.below(count)?).ok()?;
        }
        for template in &mut self.templates {
            template.chain_diffs = ChainDiffs::read(reader, self.chain_count, 4)?;
        }
        Some(())
    }

    /// decode_target_layers(): a decode target has the highest layers of the templates that are
    /// part of it.
    fn derive_decode_target_layers(&mut self) {
        let targets = usize::from(self.decode_target_count);
        for (target, layers) in self
            .decode_target_layers
            .iter_mut()
            .take(targets)
            .enumerate()
        {
            for template in &self.templates {
                if template.indications.get(target) != DecodeTargetIndication::NotPresent {
                    layers.spatial = layers.spatial.max(template.layers.spatial);
                    layers.temporal = layers.temporal.max(template.layers.temporal);
                }
            }
        }
        for template in &self.templates {
            self.max.spatial = self.max.spatial.max(template.layers.spatial);
            self.max.temporal = self.max.temporal.max(template.layers.temporal);
        }
    }

    fn read_resolutions(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        if reader.flag()? {
            let mut resolutions = [Resolution::default(); MAX_SPATIAL_LAYERS];
            let layers = usize::from(self.max.spatial) + 1;
            for resolution in resolutions.iter_mut().take(layers) {
                resolution.width = reader.bits(16)? + 1;
                resolution.height = reader.bits(16)? + 1;
            }
            self.resolutions = Some(resolutions);
        }
        Some(())
    }

    /// The templates, the first having the id [`TemplateStructure::template_id_offset`].
    #[must_use]
    pub(crate) fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// The template that a descriptor names by `id`, 0–63.
    #[must_use]
    pub(crate) fn template(&self, id: u8) -> Option<&Template> {
        // frame_dependency_definition(): the ids of a structure go on after 63 with 0.
        let offset = self.template_id_offset % MAX_TEMPLATE_ID;
        let index = (id % MAX_TEMPLATE_ID + MAX_TEMPLATE_ID - offset) % MAX_TEMPLATE_ID;
        self.templates.get(usize::from(index))
    }

    /// The highest layers that any frame has.
    #[must_use]
    pub(crate) const fn max_layers(&self) -> Layers {
        self.max
    }

    /// The highest layers of a decode target; `None` past the last.
    #[must_use]
    pub(crate) fn decode_target_layers(&self, target: usize) -> Option<Layers> {
        let targets = &self.decode_target_layers[..usize::from(self.decode_target_count)];
        targets.get(target).copied()
    }

    /// The decode target of exactly these layers.
    #[must_use]
    pub(crate) fn decode_target_of(&self, layers: Layers) -> Option<usize> {
        let targets = &self.decode_target_layers[..usize::from(self.decode_target_count)];
        targets.iter().position(|target| *target == layers)
    }

    /// The chain that protects a decode target; `None` past the last target and without chains.
    #[must_use]
    pub(crate) fn chain_of(&self, target: usize) -> Option<u8> {
        let has_chains = self.chain_count > 0 && target < usize::from(self.decode_target_count);
        has_chains.then(|| self.protected_by[target])
    }

    /// The size of a spatial layer's pictures, when the structure tells it.
    #[must_use]
    pub(crate) fn resolution(&self, spatial_layer: u8) -> Option<Resolution> {
        let resolutions = self.resolutions.as_ref()?;
        resolutions
            .get(..=usize::from(self.max.spatial))?
            .get(usize::from(spatial_layer))
            .copied()
    }

    /// A bit for each decode target: all of them active, as a new structure begins.
    #[must_use]
    pub(crate) const fn all_decode_targets(&self) -> u32 {
        u32::MAX >> (MAX_DECODE_TARGETS - self.decode_target_count as usize)
    }
}

/// template_layers(): templates come in the order of their layers, and each says where the next one
/// is.
fn read_layers(reader: &mut BitReader<'_>) -> Result<Vec<Template>, Error> {
    let mut layers = Layers::default();
    let mut templates = Vec::new();
    loop {
        if templates.len() == usize::from(MAX_TEMPLATE_ID) {
            return Err(Error::TooManyTemplates);
        }
        templates.push(Template {
            layers,
            ..Template::default()
        });
        match reader.bits(2).ok_or(Error::TooShort)? {
            0 => {}
            1 => layers.temporal += 1,
            2 => {
                layers.temporal = 0;
                layers.spatial += 1;
            }
            _ => return Ok(templates),
        }
        if layers.temporal >= MAX_TEMPORAL_LAYERS
            || usize::from(layers.spatial) >= MAX_SPATIAL_LAYERS
        {
            return Err(Error::TooManyLayers);
        }
    }
}

impl DecodeTargetIndications {
    pub(super) fn read(reader: &mut BitReader<'_>, count: u8) -> Option<Self> {
        let mut bits = 0;
        for target in 0..u32::from(count) {
            bits |= u64::from(reader.bits(2)?) << (2 * target);
        }
        Some(Self(bits))
    }

    /// What the frame means to decode target `target`, 0–31. It is not part of a target beyond
    /// that.
    #[must_use]
    pub(crate) const fn get(self, target: usize) -> DecodeTargetIndication {
        if target >= MAX_DECODE_TARGETS {
            return DecodeTargetIndication::NotPresent;
        }
        match self.0 >> (2 * target) & 3 {
            0 => DecodeTargetIndication::NotPresent,
            1 => DecodeTargetIndication::Discardable,
            2 => DecodeTargetIndication::Switch,
            _ => DecodeTargetIndication::Required,
        }
    }
}

impl FrameDiffs {
    /// template_fdiffs(): up to 16 frames back.
    fn read_of_template(reader: &mut BitReader<'_>) -> Result<Self, Error> {
        let mut this = Self::default();
        while reader.flag().ok_or(Error::TooShort)? {
            this.push(reader.bits(4).ok_or(Error::TooShort)?)?;
        }
        Ok(this)
    }

    /// frame_fdiffs(): up to 4,096 frames back.
    pub(super) fn read_of_frame(reader: &mut BitReader<'_>) -> Result<Self, Error> {
        let mut this = Self::default();
        loop {
            let nibbles = reader.bits(2).ok_or(Error::TooShort)?;
            if nibbles == 0 {
                return Ok(this);
            }
            this.push(reader.bits(4 * nibbles).ok_or(Error::TooShort)?)?;
        }
    }

    fn push(&mut self, diff_minus_one: u32) -> Result<(), Error> {
        let slot = self.diffs.get_mut(usize::from(self.len));
        *slot.ok_or(Error::TooManyFrameDiffs)? =
            u16::try_from(diff_minus_one + 1).map_err(|_| Error::TooManyFrameDiffs)?;
        self.len += 1;
        Ok(())
    }

    /// The differences of frame number.
    #[must_use]
    pub(crate) fn as_slice(&self) -> &[u16] {
        &self.diffs[..usize::from(self.len)]
    }
}

impl ChainDiffs {
    pub(super) fn read(reader: &mut BitReader<'_>, count: u8, width: u32) -> Option<Self> {
        let mut this = Self {
            len: count,
            ..Self::default()
        };
        for diff in this.diffs.iter_mut().take(usize::from(count)) {
            *diff = reader.small(width)?;
        }
        Some(this)
    }

    /// The differences of frame number, one per chain; 0 where the frame begins the chain.
    #[must_use]
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.diffs.get(..usize::from(self.len)).unwrap_or_default()
    }
}

const MAX_DECODE_TARGETS: usize = 32;
const MAX_TEMPLATE_ID: u8 = 64;
const MAX_TEMPORAL_LAYERS: u8 = 8;
const MAX_SPATIAL_LAYERS: usize = 4;
/// The specification sets no limit. Encoders refer to at most seven frames, because AV1 has seven
/// references.
const MAX_FRAME_DIFFS: usize = 8;
