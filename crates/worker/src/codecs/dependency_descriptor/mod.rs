//! The AV1 dependency descriptor (AV1 RTP specification, Appendix A.8, whose function names the
//! comments use): it says which layer a frame belongs to, which frames it refers to and who needs
//! it, so nobody has to look into the payload. Other codecs can carry it, too.
//!
//! A key frame brings a [`TemplateStructure`]; the descriptors of later frames name a template of
//! it. The caller keeps the last structure of each stream and passes it back in. Every table has a
//! hard cap, so that no descriptor costs more than a few KiB and a few microseconds.

mod bit_reader;
mod descriptor;
mod structure;

#[cfg(test)]
mod tests;

pub(crate) use descriptor::{DependencyDescriptor, FrameMark};
pub(crate) use structure::TemplateStructure;
